#ifndef TESTS_HTTP_DNS_H
#define TESTS_HTTP_DNS_H

/*
 * A name server on 127.0.0.1, UDP, port 0, in a thread. What it does with a
 * question is told by the first label of the name:
 *   ok…        127.0.0.1
 *   both…      127.0.0.2 and 127.0.0.1
 *   many…      200 addresses, all 127.0.0.1
 *   slow…      127.0.0.1, 300 ms later
 *   nx…        there is no such name
 *   empty…     the name has no address
 *   servfail…  an error of its own
 *   refused…   not for you
 *   wrong…     an answer with another id, then silence
 *   garbage…   bytes that are no answer
 *   else       silence
 * Questions for anything but an A record are answered with an empty list.
 */
struct dns;
struct dns *dns_start(void);
void dns_stop(struct dns *dns);
const char *dns_address(const struct dns *dns); /* "127.0.0.1:PORT" */

/* dns_asked: how often for the A record of this name. */
int dns_asked(struct dns *dns, const char *name);

#endif
