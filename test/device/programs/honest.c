/*
 * Dials itself on a device and sends messages there and back: honest <device> <port>. It receives into memory that is
 * shared, which the device has to copy with care. Any errno but ETIMEDOUT of a RECV ends it with 1; the end of standard input
 * with 0. Prints the number of round trips after each tenth, and at the end how long they took.
 */
#include "own-session.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define LENGTH 64
#define KEPT 100000

static int device, ends[2];
static atomic_long late;
static double took[KEPT];

static void die(const char *what) {
  printf("failed: %s: %s (%d)\n", what, strerror(errno), errno);
  exit(1);
}

static double now(void) {
  struct timespec at;
  clock_gettime(CLOCK_MONOTONIC, &at);
  return (double)at.tv_sec * 1e3 + (double)at.tv_nsec / 1e6;
}

static void *shared(void) {
  void *bytes = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (bytes == MAP_FAILED) die("mmap");
  return bytes;
}

static void transmit(int end, const void *bytes) {
  struct pool_send_req req = { .session_idx = (uint32_t)ends[end], .len = LENGTH, .data_ptr = (uintptr_t)bytes };
  if (ioctl(device, POOL_IOC_SEND, &req) < 0) die("SEND");
}

static void receive(int end, void *bytes) {
  for (;;) {
    struct pool_recv_req req = { .session_idx = (uint32_t)ends[end], .len = LENGTH, .data_ptr = (uintptr_t)bytes };
    if (ioctl(device, POOL_IOC_RECV, &req) == 0) return;
    if (errno != ETIMEDOUT) die("RECV");
    late++;
  }
}

_Noreturn static void *echo(void *unused) {
  (void)unused;
  void *bytes = shared();
  for (;;) {
    receive(1, bytes);
    transmit(1, bytes);
  }
}

static int ascending(const void *a, const void *b) {
  return (*(const double *)a > *(const double *)b) - (*(const double *)a < *(const double *)b);
}

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  setvbuf(stdout, NULL, _IOLBF, 0);
  device = open(argv[1], O_RDWR | O_CLOEXEC);
  if (device < 0) die("open");
  if (dial_oneself(device, (uint16_t)atoi(argv[2]), ends) < 0) die("dial");
  pthread_t thread;
  if (pthread_create(&thread, NULL, echo, NULL)) die("pthread_create");
  unsigned char out[LENGTH];
  unsigned char *in = shared();
  long trips = 0;
  for (struct pollfd input = { .fd = 0, .events = POLLIN }; poll(&input, 1, 0) == 0; trips++) {
    memset(out, (int)trips, LENGTH);
    memcpy(out, &trips, sizeof trips);
    double from = now();
    transmit(0, out);
    receive(0, in);
    took[trips % KEPT] = now() - from;
    if (memcmp(in, out, LENGTH)) { printf("failed: another message came in place of %ld\n", trips); return 1; }
    if (trips % 10 == 0) printf("trips=%ld\n", trips);
  }
  size_t count = (size_t)(trips < KEPT ? trips : KEPT);
  qsort(took, count, sizeof took[0], ascending);
  printf("ok trips=%ld late=%ld median=%.2f p99=%.2f most=%.2f\n", trips, (long)late, took[count / 2],
         took[count * 99 / 100], took[count - 1]);
  return 0;
}
