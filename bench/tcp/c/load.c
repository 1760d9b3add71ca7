// A load generator for TCP servers, in one thread. load MODE HOST PORT CONNECTIONS MS [RATE [COST_MS]]
//   echo   each connection sends 64 bytes and waits for 64          short  the same, then closes and connects anew
//   bulk   sends as much as is taken; counts bytes                  idle   connects, has one answer, and waits
//   paced  RATE requests a second, whatever becomes of them         mixed  RATE connections a second: short, slow and long ones
// Prints "ready" once it is connected, begins when it reads a byte, and prints what it has counted as one line of JSON.
#include "load.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif

enum { EVENTS = 256, CONNECT_AT_ONCE = 256, SOURCES = 16, BUCKETS = 4096, PATIENCE_S = 30 };

Options options;
Connection *all;
int64_t done, lost;
char message[BULK], incoming[BULK];

static int set;
static struct sockaddr_in target;
static int64_t counts[BUCKETS];
static uint64_t state = 0x9e3779b97f4a7c15ull;

int64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000000ll + now.tv_nsec;
}

void die(const char *what) {
  perror(what);
  exit(1);
}

double chance(void) {
  state ^= state << 13, state ^= state >> 7, state ^= state << 17;
  return ((state >> 11) + 0.5) / 9007199254740992.0;
}

// 64 buckets for each doubling, from 1 µs: a quantile is wrong by less than two percent.
static int bucket_of(uint64_t us) {
  int shift = us < 128 ? 0 : 57 - __builtin_clzll(us);
  return shift * 64 + (int)(us >> shift);
}

static int64_t us_of(int bucket) {
  int shift = bucket < 128 ? 0 : bucket / 64 - 1;
  return (int64_t)(bucket - shift * 64) << shift;
}

void record(int64_t ns) {
  int bucket = bucket_of(ns < 0 ? 0 : ns / 1000);
  counts[bucket < BUCKETS ? bucket : BUCKETS - 1] += 1;
  done += 1;
}

void open_connection(Connection *one) {
  static int source;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), yes = 1;
  if (fd < 0) die("socket");
  struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + source++ % SOURCES)};
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof yes);
  if (bind(fd, (struct sockaddr *)&from, sizeof from) < 0) die("bind");
  if (connect(fd, (struct sockaddr *)&target, sizeof target) < 0 && errno != EINPROGRESS) die("connect");
  one->fd = fd, one->is_connected = 0, one->got = 0, one->worker = -1;
  struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = one};
  if (epoll_ctl(set, EPOLL_CTL_ADD, fd, &event) < 0) die("epoll_ctl");
}

void close_connection(Connection *one) {
  if (one->fd >= 0) close(one->fd);
  one->fd = -1;
}

int send_message(Connection *one, int cost_ms) {
  message[0] = (char)cost_ms;
  one->got = 0;
  return send(one->fd, message, MESSAGE, MSG_NOSIGNAL) == MESSAGE;
}

int read_answer(Connection *one) {
  for (;;) {
    ssize_t count = recv(one->fd, incoming, BULK, 0);
    if (count < 0) return errno == EAGAIN ? 0 : -1;
    if (count == 0) return -1;
    if (one->got == 0) one->worker = (unsigned char)incoming[0];
    one->got += count;
    if (one->got >= MESSAGE) return 1;
  }
}

int wait_until(struct epoll_event *events, int max, int64_t until_ns) {
  int64_t left = until_ns - now_ns();
  struct timespec timeout = {.tv_sec = left / 1000000000, .tv_nsec = left % 1000000000};
  if (left < 0) timeout = (struct timespec){0};
  int count = epoll_pwait2(set, events, max, &timeout, NULL);
  if (count < 0 && errno != EINTR) die("epoll_pwait2");
  return count < 0 ? 0 : count;
}

// All are connected, and have one answer where the server gives some.
static void connect_all(int wants_answer) {
  struct epoll_event events[EVENTS];
  int opened = 0, ready = 0;
  int64_t until = now_ns() + PATIENCE_S * 1000000000ll;
  while (ready < options.connections) {
    while (opened < options.connections && opened - ready < CONNECT_AT_ONCE) open_connection(&all[opened++]);
    int count = wait_until(events, EVENTS, until);
    if (count == 0 && now_ns() >= until) errno = ETIMEDOUT, die("not all connections were served");
    for (int at = 0; at < count; at++) {
      Connection *one = events[at].data.ptr;
      if (events[at].events & (EPOLLERR | EPOLLHUP)) errno = ECONNRESET, die("a connection ended too early");
      if (!one->is_connected && (events[at].events & EPOLLOUT)) {
        one->is_connected = 1;
        if (!wants_answer) ready += 1;
        else if (!send_message(one, 0)) die("send");
      }
      if (!wants_answer || !(events[at].events & EPOLLIN)) continue;
      int outcome = read_answer(one);
      if (outcome < 0) errno = ECONNRESET, die("a connection ended too early");
      ready += outcome;
    }
  }
}

static void print_result(double seconds, double spread) {
  const char *comma = "";
  printf("{\"done\": %lld, \"lost\": %lld, \"seconds\": %f, \"spread\": %f, \"latencies\": [", (long long)done, (long long)lost, seconds, spread);
  for (int bucket = 0; bucket < BUCKETS; bucket++) {
    if (counts[bucket] == 0) continue;
    printf("%s[%lld, %lld]", comma, (long long)us_of(bucket), (long long)counts[bucket]);
    comma = ", ";
  }
  printf("]}\n");
  fflush(stdout);
}

static int is(const char *mode) {
  return strcmp(options.mode, mode) == 0;
}

int main(int argc, char **argv) {
  if (argc < 6) return fprintf(stderr, "load MODE HOST PORT CONNECTIONS MS [RATE [COST_MS]]\n"), 2;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  options = (Options){argv[1], atoi(argv[4]), atoll(argv[5]) * 1000000, argc > 6 ? atof(argv[6]) : 0, argc > 7 ? atoi(argv[7]) : 0};
  target = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(atoi(argv[3]))};
  if (inet_pton(AF_INET, argv[2], &target.sin_addr) != 1) return fprintf(stderr, "%s is no IPv4 address\n", argv[2]), 2;
  set = epoll_create1(EPOLL_CLOEXEC);
  all = calloc(options.connections, sizeof *all);
  for (int at = 0; at < options.connections; at++) all[at].fd = -1;
  if (is("echo") || is("idle") || is("paced")) connect_all(1);
  if (is("bulk")) connect_all(0);
  printf("ready\n");
  fflush(stdout);
  if (read(0, incoming, 1) != 1) return 0;
  int64_t began = now_ns(), until = began + options.run_ns;
  double spread = 0;
  if (is("mixed")) spread = run_mixed(until);
  else if (is("paced")) run_paced(until);
  else if (!is("idle")) run_closed(until);
  print_result((now_ns() - began) / 1e9, spread);
  // The server is not told that connections end before its CPU time was read.
  if (read(0, incoming, 1) < 0) return 1;
  return 0;
}
