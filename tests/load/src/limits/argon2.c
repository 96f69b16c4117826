/* Times Argon2id of 19456 KiB, 2 passes, 1 lane in one thread: the reference implementation, or with -DSODIUM that of
 * libsodium. Says the tag in hexadecimal, and then what each hash took in nanoseconds, a line each. */
#define _GNU_SOURCE
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define PASSWORD "P@ssw0rd!"
#define SALT "sixteen bytes :)"

#ifdef SODIUM
int sodium_init(void);
int crypto_pwhash(unsigned char *out, unsigned long long outlen, const char *password, unsigned long long length,
                  const unsigned char *salt, unsigned long long passes, size_t memory, int algorithm);
static int hash(unsigned char tag[32]) {
    return crypto_pwhash(tag, 32, PASSWORD, sizeof PASSWORD - 1, (const unsigned char *)SALT, 2, 19456 * 1024, 2);
}
#else
#include "argon2.h"
static int hash(unsigned char tag[32]) {
    return argon2id_hash_raw(2, 19456, 1, PASSWORD, sizeof PASSWORD - 1, SALT, sizeof SALT - 1, tag, 32);
}
#endif

static int64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

int main(int count, char **arguments) {
    unsigned char tag[32];
    int64_t end;
    /* What is freed is kept for the next hash: fresh pages would cost more than the computation. */
    mallopt(M_MMAP_THRESHOLD, 32 * 1024 * 1024);
    mallopt(M_TRIM_THRESHOLD, 256 * 1024 * 1024);
#ifdef SODIUM
    if (sodium_init() < 0) return 1;
#endif
    if (count < 2 || hash(tag) != 0) return 1;
    for (int i = 0; i < 32; i++) printf("%02x", tag[i]);
    printf("\n");
    end = now() + (int64_t)(atof(arguments[1]) * 1e9);
    do {
        int64_t begun = now();
        if (hash(tag) != 0) return 1;
        printf("%lld\n", (long long)(now() - begun));
    } while (now() < end);
    return 0;
}
