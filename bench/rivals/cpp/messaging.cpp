// Ways to send messages that sleep while there is none.
//
//   c++ -O3 -march=native -std=c++17 -pthread -DZEROMQ -o messaging messaging.cpp -lzmq
//
// One program for each engine, so that each needs its own library only:
//
//   -DMESSAGE_QUEUE   boost::interprocess::message_queue      (Debian: libboost-dev)
//   -DZEROMQ          ZeroMQ, PAIR over ipc                   (Debian: libzmq3-dev)
//   -DNNG             nng, pair0 over ipc                     (Debian: libnng-dev)
//   -DBLOCKING_RWQ    moodycamel::BlockingReaderWriterQueue   (Debian: libreaderwriterqueue-dev)
//
// The first three are between two processes, the last between two threads.
//
//   --mode throughput   messages one way
//   --mode latency      messages there and back
//   --mode paced        --rate messages a second one way, timed from when each was
//                       due until it arrived; the sender keeps to its schedule
//                       whatever happens, so that nothing that is late is left out
#include "common.hpp"
#include <sys/stat.h>

constexpr size_t largest = 64 << 10;

// Where files may be, and what names may begin with: whoever runs the program
// cleans up there if it is killed.
static std::string place() {
	const char *dir = getenv("TMPDIR");
	return dir && *dir ? dir : "/tmp";
}

// An engine is made before there are two processes or threads. Each of them has
// a side, made there, which sends to the other and receives from it.
#if defined(MESSAGE_QUEUE)
#include <boost/interprocess/ipc/message_queue.hpp>
namespace ipc = boost::interprocess;
struct engine {
	static constexpr const char *name = "boost::interprocess::message_queue", *between = "processes";
	std::string names[2];
	explicit engine(const options &o) {
		for (int i = 0; i < 2; i++) {
			names[i] = place().substr(place().rfind('/') + 1) + "-" + std::to_string(getpid()) + "-" + std::to_string(i);
			ipc::message_queue(ipc::create_only, names[i].c_str(), std::min<size_t>(o.room, 8192), std::max<size_t>(o.size, 16));
		}
	}
	~engine() {
		for (auto &n : names) ipc::message_queue::remove(n.c_str());
	}
	struct side {
		ipc::message_queue out, in;
		side(engine &e, bool first)
			: out(ipc::open_only, e.names[!first].c_str()), in(ipc::open_only, e.names[first].c_str()) {}
		void send(const char *p, size_t n) { out.send(p, n, 0); }
		size_t recv(char *p, size_t) {
			size_t got;
			unsigned priority;
			in.receive(p, in.get_max_msg_size(), got, priority);
			return got;
		}
	};
};
#elif defined(ZEROMQ)
#include <zmq.h>
struct engine {
	static constexpr const char *name = "ZeroMQ (ipc)", *between = "processes";
	std::string dir, url;
	explicit engine(const options &) {
		dir = place() + "/" + std::to_string(getpid());
		if (mkdir(dir.c_str(), 0700) != 0) die("mkdir");
		url = "ipc://" + dir + "/s";
	}
	~engine() { unlink((dir + "/s").c_str()), rmdir(dir.c_str()); }
	struct side {
		void *context, *socket;
		side(engine &e, bool first) : context(zmq_ctx_new()), socket(zmq_socket(context, ZMQ_PAIR)) {
			int high = 65536;
			zmq_setsockopt(socket, ZMQ_SNDHWM, &high, sizeof high);
			zmq_setsockopt(socket, ZMQ_RCVHWM, &high, sizeof high);
			if ((first ? zmq_bind : zmq_connect)(socket, e.url.c_str()) != 0) die("zmq");
		}
		~side() { zmq_close(socket), zmq_ctx_term(context); }
		void send(const char *p, size_t n) {
			if (zmq_send(socket, p, n, 0) < 0) die("zmq_send");
		}
		size_t recv(char *p, size_t n) {
			int got = zmq_recv(socket, p, n, 0);
			if (got < 0) die("zmq_recv");
			return got;
		}
	};
};
#elif defined(NNG)
#include <nng/nng.h>
#include <nng/protocol/pair0/pair.h>
struct engine {
	static constexpr const char *name = "nng (ipc)", *between = "processes";
	std::string dir, url;
	explicit engine(const options &) {
		dir = place() + "/" + std::to_string(getpid());
		if (mkdir(dir.c_str(), 0700) != 0) die("mkdir");
		url = "ipc://" + dir + "/s";
	}
	~engine() { unlink((dir + "/s").c_str()), rmdir(dir.c_str()); }
	struct side {
		nng_socket s;
		static void check(int rc, const char *what) {
			if (rc != 0) fprintf(stderr, "%s: %s\n", what, nng_strerror(rc)), exit(2);
		}
		side(engine &e, bool first) {
			check(nng_pair0_open(&s), "nng_pair0_open");
			nng_socket_set_int(s, NNG_OPT_SENDBUF, 8192);
			nng_socket_set_int(s, NNG_OPT_RECVBUF, 8192);
			if (first) {
				check(nng_listen(s, e.url.c_str(), nullptr, 0), "nng_listen");
				return;
			}
			for (int i = 0;; i++) { // the other side may not be there yet
				int rc = nng_dial(s, e.url.c_str(), nullptr, 0);
				if (rc == 0) return;
				if (i == 1000) check(rc, "nng_dial");
				usleep(1000);
			}
		}
		~side() { nng_close(s); }
		void send(const char *p, size_t n) { check(nng_send(s, const_cast<char *>(p), n, 0), "nng_send"); }
		size_t recv(char *p, size_t n) {
			check(nng_recv(s, p, &n, 0), "nng_recv");
			return n;
		}
	};
};
#elif defined(BLOCKING_RWQ)
#if __has_include(<readerwriterqueue/readerwriterqueue.h>)
#include <readerwriterqueue/readerwriterqueue.h>
#else
#include <readerwriterqueue.h>
#endif
struct engine {
	static constexpr const char *name = "moodycamel::BlockingReaderWriterQueue", *between = "threads";
	struct line {
		char bytes[64];
	};
	moodycamel::BlockingReaderWriterQueue<line> q[2]{moodycamel::BlockingReaderWriterQueue<line>(65536),
	                                                 moodycamel::BlockingReaderWriterQueue<line>(65536)};
	explicit engine(const options &o) {
		if (o.size > sizeof(line)) usage("--size: up to 64 bytes were compiled in");
	}
	struct side {
		engine &e;
		bool first;
		side(engine &e, bool first) : e(e), first(first) {}
		void send(const char *p, size_t n) {
			line l;
			memcpy(l.bytes, p, n);
			while (!e.q[first].try_enqueue(l)) sched_yield();
		}
		size_t recv(char *p, size_t n) {
			line l;
			e.q[!first].wait_dequeue(l);
			memcpy(p, l.bytes, n);
			return n;
		}
	};
};
#else
#error "say which engine: -DMESSAGE_QUEUE, -DZEROMQ, -DNNG or -DBLOCKING_RWQ"
#endif

namespace {

const bool processes = std::string(engine::between) == "processes";

// A message begins with its number and the moment at which it was due.
struct head {
	uint64_t number;
	double due;
};
constexpr uint64_t over = UINT64_MAX;

struct control : gate {
	alignas(128) std::atomic<bool> wrong{false};
	std::atomic<uint64_t> times{0};
	std::atomic<double> end{0};
};

// Both sides are connected when each has heard of the other.
void greet(engine::side &s, const options &o) {
	std::vector<char> b(std::max(largest, o.size));
	s.send(b.data(), std::max<size_t>(o.size, sizeof(head)));
	s.recv(b.data(), std::max<size_t>(o.size, sizeof(head)));
}

outcome run(const options &o) {
	const size_t size = std::max<size_t>(o.size, sizeof(head)), many = 4 << 20;
	const bool timed = o.mode != "throughput", both = o.mode == "latency";
	auto *c = shared<control>();
	// Of the receiver's times. The pages are there when they are needed.
	const size_t want = o.mode == "paced" ? std::min<size_t>(many, o.rate * (o.duration + 1) / 1000 + 1) : 1;
	auto *arrivals = static_cast<float *>(shared_bytes(want * sizeof(float)));
	outcome r;
	if (both) r.times.reserve(many);
	engine e(o);
	two(
		o, processes,
		[&] {
			engine::side s(e, true);
			std::vector<char> out(size), in(size);
			greet(s, o);
			pin(o.cpu(0)); // this thread, not those that the library has started
			c->meet();
			auto send = [&](uint64_t number, double due) {
				head h{number, due};
				memcpy(out.data(), &h, sizeof h);
				s.send(out.data(), size);
			};
			double start = now(), last = start, began = 0;
			uint64_t first = 0;
			for (uint64_t i = 0;; i++) {
				double t = timed || i % 64 == 0 ? now() : last;
				if (began == 0 && t - start > o.warm()) began = t, first = i;
				if (began != 0 && t - began > o.measured()) {
					r.messages = i - first, r.ns = t - began;
					break;
				}
				if (o.mode == "paced") {
					double due = start + i * 1e9 / o.rate;
					while (now() < due) relax();
					send(i, due > start + o.warm() ? due : 0);
					last = t;
					continue;
				}
				send(i, 0);
				if (!both) {
					last = t;
					continue;
				}
				head h;
				s.recv(in.data(), size);
				memcpy(&h, in.data(), sizeof h);
				r.wrong |= h.number != i;
				if (began != 0 && r.times.size() < many) r.times.push_back(now() - t);
			}
			send(over, 0);
			char b[largest];
			s.recv(b, sizeof b); // the other side has everything
		},
		[&] {
			engine::side s(e, false);
			std::vector<char> in(std::max(largest, size));
			bool wrong = false;
			size_t n = 0;
			greet(s, o);
			pin(o.cpu(1));
			c->meet();
			for (uint64_t i = 0;; i++) {
				head h;
				s.recv(in.data(), size);
				memcpy(&h, in.data(), sizeof h);
				if (h.number == over) break;
				wrong |= h.number != i;
				if (both) s.send(in.data(), size);
				if (h.due != 0 && n < want) arrivals[n++] = now() - h.due;
			}
			c->wrong = wrong, c->times = n;
			s.send(in.data(), size);
		},
		false);
	r.wrong |= c->wrong;
	if (both) r.messages *= 2;
	if (o.mode == "paced") r.times.assign(arrivals, arrivals + c->times), r.messages = r.times.size();
	return r;
}

} // namespace

int main(int argc, char **argv) {
	options o = parse(argc, argv);
	if (o.mode != "throughput" && o.mode != "latency" && o.mode != "paced") usage("--mode wants throughput, latency or paced");
	if (o.size > largest) usage("--size wants at most 65536");
	return print(engine::name, engine::between, run(o));
}
