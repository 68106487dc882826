/* sources: h1word h1host h1field h1
 *
 * How long a head takes, in ns: build with -O2 and run; not a test.
 *   gcc -std=gnu11 -O2 -Inative/include -o /tmp/bench_h1 tests/native/bench_h1.c native/src/h1{,word,host,field}.c
 */
#include "h1.h"

#include <stdio.h>
#include <time.h>

#define ROUNDS 2000000
#define TRIES 5

static const char wrk[] = "GET /index.html HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n";
static const char browser[] =
    "GET /static/app/main.css?v=20240501 HTTP/1.1\r\n"
    "Host: www.example.com\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/115.0\r\n"
    "Accept: text/css,*/*;q=0.1\r\n"
    "Accept-Language: en-US,en;q=0.5\r\n"
    "Accept-Encoding: gzip, deflate, br\r\n"
    "Connection: keep-alive\r\n"
    "Cookie: session=0123456789abcdef0123456789abcdef; theme=dark\r\n"
    "Referer: https://www.example.com/\r\n\r\n";
static const char reply[] = "HTTP/1.1 200 OK\r\n"
                            "Server: nginx/1.22.1\r\n"
                            "Date: Thu, 01 May 2025 12:00:00 GMT\r\n"
                            "Content-Type: text/html\r\n"
                            "Content-Length: 615\r\n"
                            "Last-Modified: Tue, 04 Dec 2018 14:44:49 GMT\r\n"
                            "Connection: keep-alive\r\n"
                            "ETag: \"5c0692e1-267\"\r\n"
                            "Accept-Ranges: bytes\r\n\r\n";

static double seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ns a head takes, the best of some tries. */
static double measure(const char *head, uint32_t len, void (*init)(h1_head *, unsigned))
{
    static h1_head h;
    double best = 1e9;

    for (int try = 0; try < TRIES; try++) {
        double start = seconds();
        for (int i = 0; i < ROUNDS; i++) {
            init(&h, 101);
            if (h1_scan(&h, head, len) != 1)
                return -1;
            __asm__ volatile("" : : "r"(&h), "r"(head) : "memory");
        }
        double ns = (seconds() - start) / ROUNDS * 1e9;
        best = ns < best ? ns : best;
    }
    return best;
}

int main(void)
{
    printf("small request   %4zu bytes %6.1f ns\n", sizeof(wrk) - 1, measure(wrk, sizeof(wrk) - 1, h1_request_init));
    printf("browser request %4zu bytes %6.1f ns\n", sizeof(browser) - 1,
           measure(browser, sizeof(browser) - 1, h1_request_init));
    printf("response        %4zu bytes %6.1f ns\n", sizeof(reply) - 1,
           measure(reply, sizeof(reply) - 1, h1_response_init));
    return 0;
}
