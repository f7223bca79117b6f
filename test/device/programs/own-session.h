/* A session of a program with itself: ends[0] is the slot that it dialled, ends[1] the one that was accepted for it. */
#include "pool.h"
#include <arpa/inet.h>
#include <string.h>

/* 0, or what CONNECT or SESSIONS gave. Somebody has to listen at `port`, on the same device. */
static int dial_oneself(int device, uint16_t port, int ends[2]) {
  struct pool_connect_req req = { .peer_port = port, .addr_family = AF_INET6 };
  static struct pool_session_info infos[64];
  inet_pton(AF_INET6, "::ffff:127.0.0.1", req.peer_addr);
  if ((ends[0] = ioctl(device, POOL_IOC_CONNECT, &req)) < 0) return -1;
  for (ends[1] = -1; ends[1] < 0;) {
    struct pool_session_list list = { .max_sessions = 64, .info_ptr = (uintptr_t)infos };
    if (ioctl(device, POOL_IOC_SESSIONS, &list) < 0) return -1;
    const unsigned char *id = NULL;
    for (unsigned at = 0; at < list.count; at++) if ((int)infos[at].index == ends[0]) id = infos[at].session_id;
    for (unsigned at = 0; id != NULL && at < list.count; at++)
      if ((int)infos[at].index != ends[0] && memcmp(infos[at].session_id, id, 16) == 0) ends[1] = (int)infos[at].index;
  }
  return 0;
}
