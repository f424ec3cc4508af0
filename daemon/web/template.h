#ifndef DAEMON_WEB_TEMPLATE_H
#define DAEMON_WEB_TEMPLATE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/json.h"

/*
 * A subset of Mustache: {{name}} {{a.b}} {{.}} {{#x}} {{^x}} {{/x}} {{>part}}
 * {{! note }}. Every value is escaped for HTML; there is no way to leave it
 * out. A name that begins with "t." is a text of the catalogue. A tag of a
 * section that stands alone on its line leaves no empty line.
 *
 * A set is built once and then never changed: rendering is for any thread.
 */
struct template_set;

struct template_set *template_set_new(void);
void template_set_free(struct template_set *set);

/* template_add compiles; -EINVAL and a sentence in `problem` when the text
 * does not hold together. The name is copied. */
int template_add(struct template_set *set, const char *name, const char *text,
    size_t len, char *problem, size_t size) MUST_USE;

/* template_check: does every part exist and every text stand in `texts`? */
int template_check(const struct template_set *set, const struct jv *texts,
    char *problem, size_t size) MUST_USE;

/* template_render appends; false when there is no such template or `out` is
 * full. `data` and `texts` are only read. */
bool template_render(const struct template_set *set, const char *name,
    const struct jv *data, const struct jv *texts, struct buf *out);

#endif
