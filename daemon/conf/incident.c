/*
 * The life of incidents, whatever rule opens them; and what keeps them away.
 */

#include "conf-int.h"

#include "base/attr.h"

#define MINUTE (60 * US_PER_S)
#define DAY (24 * 60 * MINUTE)

void
incidents_defaults(struct conf *conf)
{
	conf->incidents = (struct conf_incidents){
	    .reopen_within = 15 * MINUTE, .confirm_after = 30 * MINUTE};
	conf->maintenance = (struct conf_maintenance){.notice = DAY};
}

void
incidents_read(const struct node *node, void *group)
{
	static const struct key keys[] = {
	    {"reopen_within", KEY_DURATION,
		.offset = offsetof(struct conf_incidents, reopen_within),
		.min = 0, .max = 7 * DAY},
	    {"confirm_after", KEY_DURATION,
		.offset = offsetof(struct conf_incidents, confirm_after),
		.min = US_PER_S, .max = 7 * DAY},
	};
	struct conf *conf = group;
	node_read_group(node, keys, ARRAY_LEN(keys), &conf->incidents);
}

void
maintenance_read(const struct node *node, void *group)
{
	static const struct key keys[] = {
	    {"notice", KEY_DURATION,
		.offset = offsetof(struct conf_maintenance, notice), .min = 0,
		.max = 90 * DAY},
	};
	struct conf *conf = group;
	node_read_group(node, keys, ARRAY_LEN(keys), &conf->maintenance);
}
