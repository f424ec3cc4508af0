/*
 * Which addresses a webhook may not reach: the special-purpose registries of
 * RFC 6890, and IPv6 forms that carry an IPv4 address within.
 */
#include <arpa/inet.h>
#include <string.h>

#include "base/attr.h"
#include "http-int.h"

struct range {
	const char *prefix;
	unsigned bits;
};

static const struct range ranges4[] = {
    {"0.0.0.0", 8}, /* this network */
    {"10.0.0.0", 8}, /* private */
    {"100.64.0.0", 10}, /* shared, carrier-grade NAT */
    {"127.0.0.0", 8}, /* loopback */
    {"169.254.0.0", 16}, /* link-local, cloud metadata */
    {"172.16.0.0", 12}, /* private */
    {"192.0.0.0", 24}, /* protocol assignments */
    {"192.0.2.0", 24}, /* documentation */
    {"192.88.99.0", 24}, /* 6to4 relay */
    {"192.168.0.0", 16}, /* private */
    {"198.18.0.0", 15}, /* benchmarks */
    {"198.51.100.0", 24}, /* documentation */
    {"203.0.113.0", 24}, /* documentation */
    {"224.0.0.0", 4}, /* multicast */
    {"240.0.0.0", 4}, /* reserved, broadcast */
};

/* Of IPv6 only this has been given out; the rest is ours, or nobody's. */
static const struct range global6 = {"2000::", 3};

static const struct range ranges6[] = {
    {"2001::", 23}, /* protocol assignments, Teredo, benchmarks */
    {"2001:db8::", 32}, /* documentation */
    {"3fff::", 20}, /* documentation */
};

/* IPv6 prefixes after which an IPv4 address stands at a byte offset. */
static const struct {
	struct range range;
	unsigned offset;
} embeddings[] = {
    {{"::ffff:0:0", 96}, 12}, /* mapped */
    {{"64:ff9b::", 96}, 12}, /* NAT64 */
    {{"2002::", 16}, 2}, /* 6to4 */
};

static bool
in_range(int family, const unsigned char *address, const struct range *range)
{
	unsigned char prefix[16];
	unsigned whole = range->bits / 8;
	unsigned rest = range->bits % 8;

	if (inet_pton(family, range->prefix, prefix) != 1 ||
	    memcmp(address, prefix, whole) != 0)
		return false;
	return rest == 0 ||
	    ((address[whole] ^ prefix[whole]) >> (8 - rest)) == 0;
}

static bool
private4(const unsigned char *address)
{
	for (size_t i = 0; i < ARRAY_LEN(ranges4); i++) {
		if (in_range(AF_INET, address, &ranges4[i]))
			return true;
	}
	return false;
}

static bool
private6(const unsigned char *address)
{
	for (size_t i = 0; i < ARRAY_LEN(embeddings); i++) {
		if (in_range(AF_INET6, address, &embeddings[i].range))
			return private4(address + embeddings[i].offset);
	}
	for (size_t i = 0; i < ARRAY_LEN(ranges6); i++) {
		if (in_range(AF_INET6, address, &ranges6[i]))
			return true;
	}
	return !in_range(AF_INET6, address, &global6);
}

bool
http_address_private(const struct sockaddr *address)
{
	const void *any = address;

	if (address->sa_family == AF_INET)
		return private4(
		    (const unsigned char *)&((const struct sockaddr_in *)any)
			->sin_addr);
	if (address->sa_family == AF_INET6)
		return private6(
		    ((const struct sockaddr_in6 *)any)->sin6_addr.s6_addr);
	return true;
}
