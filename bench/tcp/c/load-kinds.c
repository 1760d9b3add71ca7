// The kinds of load: each a loop over epoll until its time is over.
#include "load.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { EVENTS = 256 };
static const int64_t SAMPLE_NS = 5000000;
static const int64_t LATE_NS = 2000000000;
static const double LONG_SHARE = 0.2, SLOW_SHARE = 0.04, LONG_MEAN_NS = 400e6;

// Sends until the socket is full.
static void pour(Connection *one) {
  ssize_t count;
  while ((count = send(one->fd, message, BULK, MSG_NOSIGNAL)) > 0) done += count;
  if (errno != EAGAIN) die("send");
}

// One message after the other on each connection; `short`: a new connection for each.
void run_closed(int64_t until_ns) {
  struct epoll_event events[EVENTS];
  int is_short = strcmp(options.mode, "short") == 0, is_bulk = strcmp(options.mode, "bulk") == 0;
  for (int at = 0; at < options.connections; at++) {
    Connection *one = &all[at];
    one->began_ns = now_ns();
    if (is_bulk) pour(one);
    else if (is_short) open_connection(one);
    else if (!send_message(one, 0)) die("send");
  }
  while (now_ns() < until_ns) {
    int count = wait_until(events, EVENTS, until_ns);
    for (int at = 0; at < count; at++) {
      Connection *one = events[at].data.ptr;
      if (is_bulk) {
        if (events[at].events & EPOLLOUT) pour(one);
        continue;
      }
      if (!one->is_connected && (events[at].events & EPOLLOUT)) {
        one->is_connected = 1;
        if (!send_message(one, 0)) errno = ECONNRESET;
      }
      if (!(events[at].events & (EPOLLIN | EPOLLERR | EPOLLHUP))) continue;
      int outcome = read_answer(one);
      if (outcome == 0) continue;
      if (outcome < 0) lost += 1;
      else record(now_ns() - one->began_ns);
      one->began_ns = now_ns();
      if (is_short || outcome < 0) close_connection(one), open_connection(one);
      else if (!send_message(one, 0)) die("send");
    }
  }
}

// Requests come when they come; one that finds no free connection waits, and that counts.
void run_paced(int64_t until_ns) {
  struct epoll_event events[EVENTS];
  Connection **idle = malloc(options.connections * sizeof *idle);
  int free_count = 0;
  int64_t began = now_ns(), sent = 0;
  double gap = 1e9 / options.rate;
  for (int at = options.connections - 1; at >= 0; at--) idle[free_count++] = &all[at];
  while (now_ns() < until_ns) {
    while (free_count > 0 && began + (int64_t)(sent * gap) <= now_ns()) {
      Connection *one = idle[--free_count];
      one->began_ns = began + (int64_t)(sent++ * gap);
      if (!send_message(one, 0)) die("send");
    }
    int64_t due = free_count > 0 ? began + (int64_t)(sent * gap) : until_ns;
    int count = wait_until(events, EVENTS, due < until_ns ? due : until_ns);
    for (int at = 0; at < count; at++) {
      Connection *one = events[at].data.ptr;
      if (one->got >= MESSAGE || !(events[at].events & EPOLLIN)) continue;
      int outcome = read_answer(one);
      if (outcome < 0) errno = ECONNRESET, die("a connection ended too early");
      if (outcome == 0) continue;
      record(now_ns() - one->began_ns);
      idle[free_count++] = one;
    }
  }
  free(idle);
}

// How far the fullest of four workers is above the mean, in connections that are open.
static double unevenness(void) {
  int open[WORKERS_MAX] = {0}, total = 0, most = 0;
  for (int at = 0; at < options.connections; at++) {
    if (all[at].fd < 0 || all[at].worker < 0) continue;
    total += 1;
    if (++open[all[at].worker] > most) most = open[all[at].worker];
  }
  return total < 20 ? NAN : most * 4.0 / total - 1;
}

static void arrive(Connection *one, int64_t due_ns) {
  double which = chance(), life = -log(chance()) * LONG_MEAN_NS;
  one->kind = which < LONG_SHARE ? LONG : which < LONG_SHARE + SLOW_SHARE ? SLOW : SHORT;
  one->ends_ns = due_ns + (one->kind == LONG ? (int64_t)life : LATE_NS);
  one->began_ns = due_ns;
  open_connection(one);
}

static void advance(Connection *one, uint32_t events) {
  if (one->fd < 0 || one->worker >= 0) return;
  if (!one->is_connected && (events & EPOLLOUT)) {
    one->is_connected = 1;
    send_message(one, one->kind == SLOW ? options.cost_ms : 0);
  }
  if (!(events & (EPOLLIN | EPOLLERR | EPOLLHUP))) return;
  int outcome = read_answer(one);
  if (outcome == 0) return;
  if (outcome < 0) lost += 1;
  else if (one->kind == SHORT) record(now_ns() - one->began_ns);
  if (outcome < 0 || one->kind != LONG) close_connection(one);
}

double run_mixed(int64_t until_ns) {
  struct epoll_event events[EVENTS];
  int64_t due = now_ns(), sample = due;
  double sum = 0;
  int samples = 0, next = 0;
  for (int64_t now = due; now < until_ns; now = now_ns()) {
    for (; due <= now; due += (int64_t)(-log(chance()) * 1e9 / options.rate)) {
      for (int tried = 0; all[next].fd >= 0; tried++) {
        if (tried == options.connections) errno = EMFILE, die("too many connections are open");
        next = (next + 1) % options.connections;
      }
      arrive(&all[next], due);
    }
    if (sample <= now) {
      for (int at = 0; at < options.connections; at++) {
        int waits = all[at].worker < 0 && now < all[at].began_ns + LATE_NS;
        if (all[at].fd < 0 || all[at].ends_ns > now || waits) continue;
        if (all[at].worker < 0) lost += 1;
        close_connection(&all[at]);
      }
      double one = unevenness();
      if (one == one) sum += one, samples += 1;
      sample = now + SAMPLE_NS;
    }
    int64_t wake = due < sample ? due : sample;
    int count = wait_until(events, EVENTS, wake < until_ns ? wake : until_ns);
    for (int at = 0; at < count; at++) advance(events[at].data.ptr, events[at].events);
  }
  return samples == 0 ? 0 : sum / samples;
}
