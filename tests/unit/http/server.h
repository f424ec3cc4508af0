#ifndef TESTS_HTTP_SERVER_H
#define TESTS_HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>

/*
 * A bad server on 127.0.0.1, port 0: each connection has a thread that reads a
 * request, then follows a script. Failures in here end the test program.
 */
enum act {
	ACT_SEND, /* text, len bytes of it; 0: up to its NUL */
	ACT_REPEAT, /* the same, again and again until the peer has enough */
	ACT_TRICKLE, /* text, one byte each ms milliseconds */
	ACT_PAUSE, /* ms milliseconds: for lower bounds on a time only */
	ACT_WAIT, /* until server_go */
	ACT_FLUSH, /* until the peer's machine has all that was sent */
	ACT_HEAR, /* until the peer says something */
	ACT_NEXT, /* read the next request of the connection, follow its script
		   */
	ACT_HANG, /* say nothing until the peer goes */
	ACT_RESET, /* RST */
	ACT_CLOSE /* FIN, after TLS said good-bye */
};

struct step {
	enum act act;
	const char *text;
	size_t len;
	int ms;
};

#define SEND(bytes) \
	{ \
		.act = ACT_SEND, .text = (bytes) \
	}
#define SEND_BYTES(bytes, n) \
	{ \
		.act = ACT_SEND, .text = (bytes), .len = (n) \
	}
#define REPEAT(bytes) \
	{ \
		.act = ACT_REPEAT, .text = (bytes) \
	}
#define TRICKLE(bytes, pace) \
	{ \
		.act = ACT_TRICKLE, .text = (bytes), .ms = (pace) \
	}
#define PAUSE(time) \
	{ \
		.act = ACT_PAUSE, .ms = (time) \
	}
#define WAIT \
	{ \
		.act = ACT_WAIT \
	}
#define FLUSH \
	{ \
		.act = ACT_FLUSH \
	}
#define HEAR \
	{ \
		.act = ACT_HEAR \
	}
#define NEXT \
	{ \
		.act = ACT_NEXT \
	}
#define HANG \
	{ \
		.act = ACT_HANG \
	}
#define RESET \
	{ \
		.act = ACT_RESET \
	}
#define CLOSE \
	{ \
		.act = ACT_CLOSE \
	}
#define SCRIPT(...) ((const struct step[]){__VA_ARGS__, CLOSE})

/* What all tests share: certificates and compressed bodies, made by the
 * openssl and gzip commands in a folder of its own. */
struct papers {
	char folder[64];
	char ca[80]; /* the authority, as a bundle */
	char other_ca[80]; /* one that signed nothing */
	char *bomb; /* 32 MiB of zeros, gzip */
	size_t bomb_len;
	char *hello; /* "hello, world\n", gzip */
	size_t hello_len;
};
void papers_make(struct papers *papers);
void papers_remove(struct papers *papers);

#define NAME_GOOD "dziennik.example"

struct server_options {
	const struct step *script; /* of the first request of a connection, */
	const struct step *next; /* and of later ones; NULL: the same */
	bool blunt; /* the script begins at once, no request is read */
	const struct papers *papers; /* NULL: no TLS */
	const char *cert; /* "good", "expired"; key in the same file */
	int hello_ms; /* pause before the answer to a ClientHello */
	bool crowded; /* until server_go no connection comes about: whoever
			 tries meanwhile tries again after a second */
};

struct server;
struct server *server_start(const struct server_options *options);
void server_stop(struct server *server);

/* server_go: from now on no ACT_WAIT waits. */
void server_go(struct server *server);

int server_port(const struct server *server);
int server_connections(struct server *server);
int server_requests(struct server *server);
int server_finished(struct server *server); /* connections closed by it */

/* The last request, head and body; the last name that TLS was asked for. */
const char *server_last(struct server *server);
const char *server_sni(struct server *server);

/* server_free_port: a port on 127.0.0.1 where nobody listens. */
int server_free_port(void);

#endif
