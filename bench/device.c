/*
 * The least that a program can do with a POOL device: SEND and RECV, each a plain ioctl on the thread that needs it. What
 * pool-ts does on the same device is compared with it (bench/device.ts).
 *
 *   device <path of the device> <port>
 *
 * Listens on the port, dials itself, stops listening, and forks: the child has the accepted session, this process the dialled
 * one. Then it obeys lines on stdin and answers each with a line:
 *
 *   bulk <bytes> <messages>    seconds, until the peer says that all have come, and both processes' seconds of CPU
 *   trips <bytes> <messages>   the same, and the microseconds of each round trip
 *
 * Ends both processes, and closes the dialled session, at the end of stdin.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_SESSIONS 64
#define MAX_PAYLOAD 65535
#define ESTABLISHED 3
#define INET6 10

struct pool_connect_req {
  uint8_t peer_addr[16];
  uint16_t peer_port;
  uint8_t addr_family;
  uint8_t reserved[5];
};

/* pool_send_req and pool_recv_req. */
struct pool_transfer_req {
  uint32_t session_idx;
  uint8_t channel, flags;
  uint16_t reserved;
  uint32_t len;
  uint64_t data_ptr;
};

struct pool_session_info {
  uint32_t index;
  uint8_t peer_addr[16];
  uint16_t peer_port;
  uint8_t addr_family, state;
  uint8_t session_id[16];
  uint8_t figures[36 + 44];
};

struct pool_session_list {
  uint32_t count, max_sessions;
  uint64_t info_ptr;
};

_Static_assert(sizeof(struct pool_connect_req) == 24, "pool_connect_req");
_Static_assert(sizeof(struct pool_transfer_req) == 24, "pool_send_req");
_Static_assert(sizeof(struct pool_session_info) == 120, "pool_session_info");
_Static_assert(sizeof(struct pool_session_list) == 16, "pool_session_list");

#define POOL_IOC_LISTEN _IOW('P', 1, uint16_t)
#define POOL_IOC_CONNECT _IOW('P', 2, struct pool_connect_req)
#define POOL_IOC_SEND _IOW('P', 3, struct pool_transfer_req)
#define POOL_IOC_RECV _IOWR('P', 4, struct pool_transfer_req)
#define POOL_IOC_SESSIONS _IOWR('P', 5, struct pool_session_list)
#define POOL_IOC_CLOSE_SESS _IOW('P', 6, uint32_t)
#define POOL_IOC_STOP _IO('P', 7)

/* The child's part of a measurement, told by the message that begins it. */
enum kind { BULK = 1, ECHO = 2 };
struct request {
  uint32_t kind, messages;
};

static int device;
static uint8_t buffer[MAX_PAYLOAD];

static void die(const char *what) {
  fprintf(stderr, "%s: %s\n", what, strerror(errno));
  exit(1);
}

static double seconds(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return now.tv_sec + now.tv_nsec / 1e9;
}

/* Of this process, user and system. */
static double cpu(void) { return seconds(CLOCK_PROCESS_CPUTIME_ID); }

static void send_message(uint32_t session, const void *data, uint32_t length) {
  struct pool_transfer_req request = {.session_idx = session, .len = length, .data_ptr = (uintptr_t)data};
  if (ioctl(device, POOL_IOC_SEND, &request) < 0) die("SEND");
}

/* Waits on: an idle session is none that has ended. */
static uint32_t receive_message(uint32_t session) {
  for (;;) {
    struct pool_transfer_req request = {.session_idx = session, .len = sizeof buffer, .data_ptr = (uintptr_t)buffer};
    if (ioctl(device, POOL_IOC_RECV, &request) == 0) return request.len;
    if (errno != ETIMEDOUT && errno != EINTR) die("RECV");
  }
}

static uint32_t read_table(struct pool_session_info *table) {
  struct pool_session_list list = {.max_sessions = MAX_SESSIONS, .info_ptr = (uintptr_t)table};
  if (ioctl(device, POOL_IOC_SESSIONS, &list) < 0) die("SESSIONS");
  return list.count;
}

/* The other end of the session in slot `dialled`: both carry one id, on one machine. */
static uint32_t other_end(uint32_t dialled) {
  struct pool_session_info table[MAX_SESSIONS];
  for (;;) {
    uint32_t count = read_table(table);
    const struct pool_session_info *mine = NULL;
    for (uint32_t at = 0; at < count; at++)
      if (table[at].index == dialled) mine = &table[at];
    for (uint32_t at = 0; mine != NULL && at < count; at++) {
      int twin = table[at].index != dialled && memcmp(table[at].session_id, mine->session_id, 16) == 0;
      if (twin && table[at].state == ESTABLISHED) return table[at].index;
    }
    usleep(1000);
  }
}

static void serve(uint32_t session) {
  double told = cpu();
  for (;;) {
    struct request request;
    if (receive_message(session) != sizeof request) exit(0);
    memcpy(&request, buffer, sizeof request);
    for (uint32_t left = request.messages; left > 0; left--) {
      uint32_t length = receive_message(session);
      if (request.kind == ECHO) send_message(session, buffer, length);
    }
    double used = cpu() - told;
    told += used;
    send_message(session, &used, sizeof used);
  }
}

/* The answer's first two numbers. `began` is when it began, `used` what this process had used by then. */
static void report(uint32_t session, double began, double used) {
  double theirs;
  receive_message(session);
  double took = seconds(CLOCK_MONOTONIC) - began;
  memcpy(&theirs, buffer, sizeof theirs);
  printf("%.9f %.9f", took, theirs + cpu() - used);
}

static void measure(uint32_t session, enum kind kind, uint32_t size, uint32_t messages) {
  static uint8_t message[MAX_PAYLOAD];
  struct request request = {kind, messages};
  double *trips = kind == ECHO ? calloc(messages, sizeof *trips) : NULL;
  memset(message, 0x61, size);
  double began = seconds(CLOCK_MONOTONIC), used = cpu();
  send_message(session, &request, sizeof request);
  for (uint32_t at = 0; at < messages; at++) {
    double sent = seconds(CLOCK_MONOTONIC);
    send_message(session, message, size);
    if (kind != ECHO) continue;
    receive_message(session);
    trips[at] = seconds(CLOCK_MONOTONIC) - sent;
  }
  report(session, began, used);
  for (uint32_t at = 0; trips != NULL && at < messages; at++) printf(" %.2f", 1e6 * trips[at]);
  printf("\n");
  fflush(stdout);
  free(trips);
}

int main(int count, char **arguments) {
  if (count != 3) return fprintf(stderr, "usage: device <path> <port>\n"), 2;
  uint16_t port = (uint16_t)atoi(arguments[2]);
  device = open(arguments[1], O_RDWR | O_CLOEXEC);
  if (device < 0) die(arguments[1]);
  if (ioctl(device, POOL_IOC_LISTEN, &port) < 0) die("LISTEN");
  struct pool_connect_req peer = {
      .peer_addr = {[10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1}, .peer_port = port, .addr_family = INET6};
  int dialled = ioctl(device, POOL_IOC_CONNECT, &peer);
  if (dialled < 0) die("CONNECT");
  uint32_t accepted = other_end(dialled);
  if (ioctl(device, POOL_IOC_STOP) < 0) die("STOP");

  pid_t child = fork();
  if (child < 0) die("fork");
  if (child == 0) serve(accepted);
  printf("%d\n", child);
  fflush(stdout);

  char order[16];
  unsigned size, messages;
  while (scanf("%15s %u %u", order, &size, &messages) == 3 && size > 0 && size <= MAX_PAYLOAD)
    measure(dialled, strcmp(order, "trips") == 0 ? ECHO : BULK, size, messages);
  /* A message that is no request ends the child; then nobody is in a call any more. */
  send_message(dialled, "", 1);
  waitpid(child, NULL, 0);
  /* The other end follows by itself; to close it, too, would crash a machine with the module (hazard 2). */
  uint32_t session = dialled;
  ioctl(device, POOL_IOC_CLOSE_SESS, &session);
  return 0;
}
