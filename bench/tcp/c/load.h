// What the kinds of load share: connections, the clock, and what was counted.
#define _GNU_SOURCE
#include <stdint.h>
#include <sys/epoll.h>

enum { MESSAGE = 64, BULK = 256 * 1024, WORKERS_MAX = 256 };

typedef enum { SHORT, SLOW, LONG } Kind;

typedef struct {
  int fd;
  int is_connected;
  int got;          // bytes of the answer
  int worker;       // who has answered; -1 before
  Kind kind;
  int64_t began_ns; // when the request was due
  int64_t ends_ns;  // of a long one
} Connection;

typedef struct {
  const char *mode;
  int connections;
  int64_t run_ns;
  double rate;      // requests or connections a second, where the load is paced
  int cost_ms;      // of a slow request
} Options;

extern Options options;
extern Connection *all;
extern int64_t done, lost;
extern char message[BULK], incoming[BULK];

int64_t now_ns(void);
void die(const char *what);
// Begins to connect; the source address changes, so that ports do not run out.
void open_connection(Connection *one);
void close_connection(Connection *one);
// Sends one message. Returns 0 when the connection is broken.
int send_message(Connection *one, int cost_ms);
// Reads. Returns 1 when the answer is whole, 0 when not yet, -1 when the connection has ended.
int read_answer(Connection *one);
// Waits for events at most until then. Returns how many there are.
int wait_until(struct epoll_event *events, int max, int64_t until_ns);
void record(int64_t ns);
// Uniform in (0, 1); the same sequence in each run.
double chance(void);

void run_closed(int64_t until_ns);   // echo, short, bulk
void run_paced(int64_t until_ns);    // requests at a rate
double run_mixed(int64_t until_ns);  // connections of all kinds at a rate; returns how unevenly workers have them
