#include "site.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/attr.h"
#include "bench.h"

#define PAGE_MAX (64 * 1024)
#define ANSWER_MAX (4 << 20)

/* CA and server certificate, as in life: what is sent is the leaf, the root is
 * one of the many in the bundle. */
static const char certificates[] =
    "set -e\n"
    "key() { openssl genpkey -algorithm EC -pkeyopt "
    "ec_paramgen_curve:P-256 -out $1; }\n"
    "key ca.key; key server.key\n"
    "openssl req -x509 -new -key ca.key -subj '/CN=Bench CA' -days 30 "
    "-addext keyUsage=critical,keyCertSign -out ca.pem\n"
    "openssl req -new -key server.key -subj /CN=bench -out server.csr\n"
    "printf 'subjectAltName=DNS:" SITE_HOST ",DNS:*." SITE_HOST
    ",IP:127.0.0.1\\nextendedKeyUsage=serverAuth\\n' >server.ext\n"
    "openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key "
    "-CAcreateserial -days 30 -extfile server.ext -out server.pem\n"
    "cat /etc/ssl/certs/ca-certificates.crt ca.pem >bundle.pem\n";

static const char nginx_conf[] =
    "daemon off; master_process off; pid %s/nginx.pid;\n"
    "error_log %s/nginx.log warn;\n"
    "events { worker_connections 4096; }\n"
    "http {\n"
    "  access_log off; default_type 'text/html; charset=utf-8';\n"
    "  client_body_temp_path %s/body; proxy_temp_path %s/proxy;\n"
    "  fastcgi_temp_path %s/fastcgi; uwsgi_temp_path %s/uwsgi;\n"
    "  scgi_temp_path %s/scgi; keepalive_requests 100000;\n"
    "  open_file_cache max=16; tcp_nodelay on;\n"
    "  server { listen 127.0.0.1:%d; location = /figures { stub_status; } "
    "}\n"
    "  server {\n"
    "    listen 127.0.0.1:%d ssl backlog=4096; server_name _; root %s/www;\n"
    "    ssl_certificate %s/server.pem; ssl_certificate_key %s/server.key;\n"
    "    ssl_protocols TLSv1.2 TLSv1.3; ssl_session_cache none;\n"
    "    ssl_session_tickets off;\n"
    "    location = /logowanie { add_header Set-Cookie "
    "'wstep=6f1c0a92d2; path=/; secure; HttpOnly'; }\n"
    "    location = /zaloguj { error_page 405 =200 /start; add_header "
    "Set-Cookie 'sesja=4b2f9c01e7aa5d63; path=/; secure; HttpOnly'; }\n"
    "    location = /start { add_header Set-Cookie "
    "'sesja=4b2f9c01e7aa5d63; path=/; secure; HttpOnly'; }\n"
    "  }\n"
    "}\n";

static NO_RETURN void
die(const char *what, const char *which)
{
	fprintf(stderr, "bench: %s %s\n", what, which);
	exit(1);
}

void
site_write(const struct site *site, const char *name, const char *text)
{
	char path[2 * SITE_PATH_MAX];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", site->dir, name);
	file = fopen(path, "w");
	if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0)
		die("cannot write", path);
}

void
site_run(const struct site *site, const char *command)
{
	char line[8192];

	snprintf(line, sizeof(line), "cd '%s' && { %s\n} >>log 2>&1", site->dir,
	    command);
	if (system(line) != 0)
		die("failed, see the log in", site->dir);
}

void
site_need(const char *program, const char *package)
{
	char line[256];

	snprintf(line, sizeof(line), "command -v %s >/dev/null", program);
	if (system(line) != 0)
		die("please install the package", package);
}

int
site_free_port(void)
{
	struct sockaddr_in any = {.sin_family = AF_INET};
	socklen_t len = sizeof(any);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || bind(fd, (struct sockaddr *)&any, sizeof(any)) < 0 ||
	    getsockname(fd, (struct sockaddr *)&any, &len) < 0)
		die("no free port", "");
	close(fd);
	return ntohs(any.sin_port);
}

/* ---- pages ---- */

struct page {
	char text[PAGE_MAX];
	size_t len;
};

static void
add(struct page *page, const char *text)
{
	size_t n = strlen(text);

	if (page->len + n >= sizeof(page->text))
		die("a page is too large", "");
	memcpy(page->text + page->len, text, n + 1);
	page->len += n;
}

static void
add_head(struct page *page, const char *title)
{
	add(page,
	    "<!DOCTYPE html>\n<html lang=\"pl\">\n<head>\n<meta "
	    "charset=\"utf-8\">\n<title>");
	add(page, title);
	add(page,
	    "</title>\n<link rel=\"stylesheet\" href=\"/css/styl.css?v=118\">\n"
	    "<script src=\"/js/jquery.min.js\"></script>\n<script>\n"
	    "var ustawienia = {\"jezyk\":\"pl\",\"sesja\":1200};\n"
	    "if (ustawienia.sesja < 60) { alert('Sesja wygasa'); }\n"
	    "</script>\n</head>\n<body class=\"dziennik\">\n");
}

/* The menu that every page of a register has. */
static void
add_menu(struct page *page)
{
	static const char *const items[] = {"Oceny", "Frekwencja", "Terminarz",
	    "Zadania domowe", "Wiadomości", "Ogłoszenia", "Uwagi",
	    "Plan lekcji", "Nauczyciele", "Płatności", "Jadłospis", "Zebrania"};

	add(page, "<div id=\"menu\"><ul class=\"menu glowne\">\n");
	for (size_t i = 0; i < sizeof(items) / sizeof(items[0]); i++) {
		add(page,
		    "<li class=\"pozycja\"><a class=\"odnosnik\" "
		    "href=\"/dziennik/strona\" title=\"Przejd&#378; do "
		    "dzia&#322;u\">"
		    "<span class=\"ikona\"></span>");
		add(page, items[i]);
		add(page, "</a></li>\n");
	}
	add(page,
	    "</ul><a id=\"wyloguj\" href=\"/dziennik/wyloguj\">Wyloguj "
	    "się</a></div>\n");
}

static void
pad(struct page *page, size_t to, const char *with)
{
	while (page->len < to)
		add(page, with);
}

static void
finish(const struct site *site, struct page *page, const char *name)
{
	add(page,
	    "<div id=\"stopka\"><p>Dziennik elektroniczny &copy; 2020 &middot; "
	    "<a href=\"/pomoc\">Pomoc</a></p></div>\n</body>\n</html>\n");
	site_write(site, name, page->text);
	page->len = 0;
}

static void
write_pages(const struct site *site)
{
	static struct page page;

	add_head(&page, "Dziennik: logowanie");
	pad(&page, 3500,
	    "<div class=\"aktualnosc\"><h3>Aktualności</h3><p>Od poniedziałku "
	    "lekcje odbywają się zdalnie. Prosimy o cierpliwość.</p></div>\n");
	add(&page,
	    "<form id=\"formularz\" action=\"/zaloguj\" method=\"post\">\n"
	    "<input type=\"hidden\" name=\"zeton\" "
	    "value=\"c29tZSByYW5kb20gdG9rZW4gb2YgdGhlIGZvcm0=\">\n"
	    "<label for=\"login\">Login</label><input type=\"text\" "
	    "name=\"login\" id=\"login\">\n<label for=\"haslo\">Hasło</label>"
	    "<input type=\"password\" name=\"haslo\" id=\"haslo\">\n"
	    "<button type=\"submit\">Zaloguj się</button>\n</form>\n");
	finish(site, &page, "www/logowanie");
	add_head(&page, "Dziennik: strona główna");
	add_menu(&page);
	pad(&page, 6000,
	    "<div class=\"kafelek\"><h3>Ostatnie oceny</h3><p>Brak nowych ocen "
	    "od ostatniego logowania.</p></div>\n");
	finish(site, &page, "www/start");
	site_write(site, "www/zaloguj", ""); /* POST to a file is a 405 */
	add_head(&page, "Dziennik: oceny");
	add_menu(&page);
	add(&page,
	    "<table class=\"spis oceny\">\n<tr><th>Przedmiot</th><th>Oceny</th>"
	    "<th>Średnia</th></tr>\n");
	pad(&page, 12000,
	    "<tr class=\"line1\"><td>Język polski</td><td><span "
	    "class=\"ocena\"><a class=\"info\" rel=\"118220\" "
	    "href=\"#\">4+</a></span> <span class=\"ocena\"><a class=\"info\" "
	    "rel=\"118221\" href=\"#\">5</a></span></td><td>4,62</td></tr>\n");
	add(&page, "</table>\n");
	finish(site, &page, "www/oceny");
}

/* ---- questions ---- */

const char *
site_get(int port, const char *path)
{
	static char answer[ANSWER_MAX];
	struct sockaddr_in to = {
	    .sin_family = AF_INET,
	    .sin_port = htons((uint16_t)port),
	};
	char request[256];
	size_t len = 0;
	ssize_t n;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	snprintf(request, sizeof(request),
	    "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nConnection: "
	    "close\r\n\r\n",
	    path, port);
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0 ||
	    write(fd, request, strlen(request)) < 0) {
		close(fd);
		return NULL;
	}
	while (len < ANSWER_MAX - 1 &&
	    (n = read(fd, answer + len, ANSWER_MAX - 1 - len)) > 0)
		len += (size_t)n;
	answer[len] = '\0';
	close(fd);
	return strncmp(answer, "HTTP/1.1 200", 12) == 0 ? answer : NULL;
}

long
site_requests(const struct site *site)
{
	static long own;
	const char *answer = site_get(site->status_port, "/figures");
	const char *line =
	    answer != NULL ? strstr(answer, "handled requests") : NULL;
	long accepted, handled, requests;

	own++;
	line = line != NULL ? strchr(line, '\n') : NULL;
	if (line == NULL ||
	    sscanf(line, "%ld %ld %ld", &accepted, &handled, &requests) != 3)
		die("nginx has no figures, see", site->dir);
	return requests - own;
}

/* ---- nginx ---- */

static void
start_nginx(struct site *site)
{
	char text[sizeof(nginx_conf) + 16 * SITE_PATH_MAX];
	char path[SITE_PATH_MAX + 16], prefix[SITE_PATH_MAX + 2];
	const char *dir = site->dir;

	snprintf(text, sizeof(text), nginx_conf, dir, dir, dir, dir, dir, dir,
	    dir, site->status_port, site->port, dir, dir, dir);
	site_write(site, "nginx.conf", text);
	snprintf(path, sizeof(path), "%s/nginx.conf", dir);
	snprintf(prefix, sizeof(prefix), "%s/", dir);
	site->nginx = fork();
	if (site->nginx < 0)
		die("cannot fork", "");
	if (site->nginx == 0) {
		bench_pin(1);
		execlp("nginx", "nginx", "-p", prefix, "-c", path, "-e",
		    "stderr", (char *)NULL);
		_exit(127);
	}
}

static int
accepts(int port)
{
	struct sockaddr_in to = {
	    .sin_family = AF_INET,
	    .sin_port = htons((uint16_t)port),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int problem;

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	problem = connect(fd, (struct sockaddr *)&to, sizeof(to));
	close(fd);
	return problem == 0;
}

void
site_open(struct site *site)
{
	const char *tmp = getenv("TMPDIR");
	const struct timespec moment = {.tv_nsec = 10 * 1000 * 1000};

	site_need("nginx", "nginx-light");
	site_need("openssl", "openssl");
	signal(SIGPIPE, SIG_IGN);
	snprintf(site->dir, sizeof(site->dir), "%s/dyzurny-bench-XXXXXX",
	    tmp != NULL ? tmp : "/tmp");
	if (mkdtemp(site->dir) == NULL)
		die("cannot make", site->dir);
	site_run(site, "mkdir -p www accounts && chmod 700 accounts");
	site_run(site, certificates);
	snprintf(
	    site->ca_file, sizeof(site->ca_file), "%s/bundle.pem", site->dir);
	write_pages(site);
	site->port = site_free_port();
	site->status_port = site_free_port();
	start_nginx(site);
	while (!accepts(site->port)) {
		if (waitpid(site->nginx, NULL, WNOHANG) != 0)
			die("nginx did not start, see", site->dir);
		nanosleep(&moment, NULL);
	}
}

void
site_close(struct site *site)
{
	char command[SITE_PATH_MAX + 16];

	kill(site->nginx, SIGTERM);
	waitpid(site->nginx, NULL, 0);
	snprintf(command, sizeof(command), "rm -rf '%s'", site->dir);
	if (system(command) != 0)
		fprintf(stderr, "bench: %s stays\n", site->dir);
}
