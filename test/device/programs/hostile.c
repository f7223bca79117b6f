/*
 * Does on a device what no program should, until it is killed: hostile <device> <port> <receivers> <stuck> <seed>.
 *  - dials itself at <port>, and keeps both ends of the session;
 *  - <receivers> threads wait in RECV, each until it is told EBUSY;
 *  - <stuck> threads make SENDs from memory that nobody fills (userfaultfd), or only after a while;
 *  - one thread makes bad calls of every kind.
 * It touches no session but its own. With --probe it only says whether such memory can be had. Prints what it has come to, a line each fifth of a second.
 */
#define _GNU_SOURCE
#include "own-session.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PAGE 4096
#define LENGTH 65536
/* Longer ones end a session of the module that never moved anything. */
#define LONGEST 65511

static int device, ends[2];
static unsigned seed;
static char *hole;
static size_t hole_bytes;
static atomic_int created, parked, bad_results;
static atomic_long refused, sent, tortures;

static void die(const char *what) {
  printf("failed: %s: %s\n", what, strerror(errno));
  exit(1);
}

_Noreturn static void *receiver(void *unused) {
  (void)unused;
  unsigned char bytes[64];
  for (;;) {
    struct pool_recv_req req = { .session_idx = (uint32_t)ends[1], .len = sizeof bytes, .data_ptr = (uintptr_t)bytes };
    if (ioctl(device, POOL_IOC_RECV, &req) == 0 || errno != EBUSY) {
      if (errno != ETIMEDOUT) usleep(50000);
      continue;
    }
    parked++;
    for (;;) pause();
  }
}

/* A message whose copy hangs, as long as nobody fills its memory. */
_Noreturn static void *stuck(void *start) {
  struct pool_send_req req = { .session_idx = (uint32_t)ends[0], .len = LONGEST, .data_ptr = (uintptr_t)start };
  for (;;) {
    if (ioctl(device, POOL_IOC_SEND, &req) == 0) { sent++; continue; }
    if (errno == EFAULT) refused++;
    usleep(50000);
  }
}

/* What hung is let go after a while, and hangs again: each time it takes whatever the device has learnt by then. */
_Noreturn static void *filler(void *fd) {
  for (;;) {
    usleep(1500000);
    for (size_t at = 0; at < hole_bytes; at += PAGE) {
      struct uffdio_zeropage zero = { .range = { (uintptr_t)hole + at, PAGE } };
      ioctl((int)(long)fd, UFFDIO_ZEROPAGE, &zero);
    }
    madvise(hole, hole_bytes, MADV_DONTNEED);
  }
}

static unsigned dice(unsigned sides) {
  seed = seed * 1664525u + 1013904223u;
  return (seed >> 8) % sides;
}

/* Results that must not come of a bad call are counted: 0 where nothing was asked that can be done. */
_Noreturn static void *torturer(void *unused) {
  (void)unused;
  static const uint64_t pointers[] = { 0, 1, 4096, 0x7ffffffff000, 0xffff800000000000, 0xffffffffffffffff, 0xffffffffff600000 };
  static const uint32_t slots[] = { 64, 65, 255, 0x7fffffff, 0x80000040, 0xffffffff };
  static const uint32_t lengths[] = { 0, 65536, 0x7fffffff, 0xffffffff };
  unsigned char *readonly = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  unsigned char large[1 << 14] = { 0 };
  for (;; tortures++) {
    usleep(1000);
    uint64_t pointer = pointers[dice(7)];
    uint32_t slot = slots[dice(6)];
    int own = ends[dice(2)], ret = -1;
    switch (dice(9)) {
      case 0: { /* a bad slot */
        struct pool_send_req req = { .session_idx = slot, .len = 10, .data_ptr = (uintptr_t)large };
        ret = ioctl(device, dice(2) ? POOL_IOC_SEND : POOL_IOC_RECV, &req);
        break;
      }
      case 1: { /* a bad pointer */
        struct pool_send_req req = { .session_idx = (uint32_t)own, .len = 1 + dice(LONGEST), .data_ptr = pointer };
        ret = ioctl(device, POOL_IOC_SEND, &req);
        break;
      }
      case 2: { /* a bad length */
        struct pool_send_req req = { .session_idx = (uint32_t)own, .len = lengths[dice(4)], .data_ptr = (uintptr_t)large };
        ret = ioctl(device, dice(2) ? POOL_IOC_SEND : POOL_IOC_RECV, &req);
        break;
      }
      case 3: { /* memory that can't be written */
        struct pool_session_list list = { .max_sessions = 64, .info_ptr = dice(2) ? pointer : (uintptr_t)readonly };
        ret = ioctl(device, POOL_IOC_SESSIONS, &list);
        break;
      }
      case 4: { /* a bad operation, or a bad slot */
        struct pool_channel_req req = { .session_idx = dice(2) ? slot : (uint32_t)own, .operation = (uint8_t)(4 + dice(100)) };
        ret = ioctl(device, POOL_IOC_CHANNEL, &req);
        break;
      }
      case 5: { /* nobody, nowhere */
        struct pool_connect_req req = { .peer_port = 0, .addr_family = (uint8_t)(1 + dice(9)) };
        memset(req.peer_addr, (int)dice(256), sizeof req.peer_addr);
        ret = ioctl(device, POOL_IOC_CONNECT, &req);
        break;
      }
      case 6: { /* no slot of the table, nor one with the mark of an end without CLOSE */
        uint32_t index = slot;
        ret = ioctl(device, POOL_IOC_CLOSE_SESS, &index);
        break;
      }
      case 7: /* no request: of the type of POOL's, or of any */
        ret = ioctl(device, _IOC(dice(4), dice(2) ? 'P' : dice(256), 9 + dice(246), dice(8192)), large);
        break;
      default: { /* files have more than ioctls */
        char byte = 0;
        ret = (int)(dice(2) ? read(device, &byte, 1) : write(device, &byte, 1));
        if (mmap(NULL, PAGE, PROT_READ, MAP_SHARED, device, 0) != MAP_FAILED) bad_results++;
      }
    }
    if (ret >= 0) bad_results++;
  }
}

static int start(void *(*run)(void *), void *argument) {
  pthread_attr_t attributes;
  pthread_t thread;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 1 << 16);
  return pthread_create(&thread, &attributes, run, argument);
}

/* Memory of `bytes` that hangs whoever touches it; what fills it is given back. */
static int make_hole(size_t bytes) {
  int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
  struct uffdio_api api = { .api = UFFD_API };
  if (fd < 0 || ioctl(fd, UFFDIO_API, &api) < 0) die("userfaultfd");
  hole_bytes = bytes;
  hole = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  struct uffdio_register range = { .range = { (uintptr_t)hole, bytes }, .mode = UFFDIO_REGISTER_MODE_MISSING };
  if (hole == MAP_FAILED || ioctl(fd, UFFDIO_REGISTER, &range) < 0) die("UFFDIO_REGISTER");
  return fd;
}

int main(int argc, char **argv) {
  if (argc == 2 && strcmp(argv[1], "--probe") == 0) {
    make_hole(PAGE);
    puts("ok");
    return 0;
  }
  if (argc != 6) return 2;
  int receivers = atoi(argv[3]), senders = atoi(argv[4]);
  seed = (unsigned)strtoul(argv[5], NULL, 10);
  setvbuf(stdout, NULL, _IOLBF, 0);
  device = open(argv[1], O_RDWR | O_CLOEXEC);
  if (device < 0) die("open");
  if (dial_oneself(device, (uint16_t)atoi(argv[2]), ends) < 0) die("dial");
  if (senders > 0) {
    int fd = make_hole((size_t)senders * LENGTH);
    if (start(filler, (void *)(long)fd)) die("pthread_create");
    for (int at = 0; at < senders; at++) if (start(stuck, hole + (size_t)at * LENGTH)) die("pthread_create");
  }
  if (start(torturer, NULL)) die("pthread_create");
  for (int at = 0; at < receivers && start(receiver, NULL) == 0; at++) created++;
  for (;;) {
    printf("created=%d parked=%d refused=%ld sent=%ld tortures=%ld bad=%d\n", (int)created, (int)parked, (long)refused,
           (long)sent, (long)tortures, (int)bad_results);
    usleep(200000);
  }
}
