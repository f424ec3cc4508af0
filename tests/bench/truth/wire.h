#ifndef TRUTH_WIRE_H
#define TRUTH_WIRE_H

/* Addresses of the wire: ours, where all sockets are, and one for each of the
 * two hosts of each run, where nobody is. Host byte order. */
#define WIRE_OURS 0x0a400001u /* 10.64.0.1 */
#define WIRE_MASK 0xffc00000u
#define WIRE_FIRST 0x0a400100u /* 10.64.1.0 */

#endif
