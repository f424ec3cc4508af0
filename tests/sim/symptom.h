#ifndef SIM_SYMPTOM_H
#define SIM_SYMPTOM_H

#include "sim.h"

#ifndef PAGE_CHARSET
#define PAGE_CHARSET "utf-8" /* or as the operator's file says before */
#endif

/* A page for the table of an operator's symptoms. */
#define PAGE(title, body) \
	"<!DOCTYPE html><html lang=\"pl\"><head><meta charset=\"" PAGE_CHARSET \
	"\">" \
	"<title>" title "</title></head><body>" body "</body></html>"

/*
 * Generic cases: nobody has told how this operator words them, and no profile
 * may name these words as if they had been seen there.
 */
#define GENERIC_CHALLENGE \
	PAGE("Just a moment...", \
	    "<div id=\"challenge-error-text\">Enable JavaScript and cookies " \
	    "to continue</div>")
#define GENERIC_BLOCK \
	PAGE("Attention Required! | Cloudflare", \
	    "<h1>Sorry, you have been blocked</h1>")
#define GENERIC_FEATURE_OFF \
	PAGE("Moduł", \
	    "<p>Ten moduł został wyłączony przez administratora szkoły.</p>")

#endif
