/* Calls an EMA crossover 4,000 times on the same walk of closes: `driver built-in`, or `driver file LIBRARY PARAMS`.
   Prints how often it decided. Linked with the object of the kinds that are built in. Counted from outside, by callgrind. */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include "otrade/_core/types.h"

enum { CALLS = 4000, FAST = 9, SLOW = 21 };
static char state[65536], bars[4 * 96], market[424], position[112], clock_[56], decision[96], bar[96];
static int64_t params[512] = {FAST, SLOW};
typedef int64_t (*on_bar_t)(const void *, void *, const void *, const void *, const void *, const void *, const void *, void *);
extern int64_t otb_ema_cross_on_bar(const void *, void *, const void *, const void *, const void *, const void *, const void *, void *);

int main(int argc, char **argv) {
    on_bar_t on_bar = otb_ema_cross_on_bar;
    if (strcmp(argv[1], "file") == 0) {
        void *library = argc > 3 ? dlopen(argv[2], RTLD_NOW) : NULL;
        FILE *file = argc > 3 ? fopen(argv[3], "rb") : NULL;
        if (!library || !file || !fread(params, 1, sizeof params, file)) return 1;
        on_bar = (on_bar_t)dlsym(library, "on_bar");
        fclose(file);
    }
    int64_t px = 15000000, seed = 7, decided = 0;
    for (int i = 0; i < CALLS; i++) {
        seed = (seed * 1103515245 + 12345) & 0x7fffffff;
        px += 500 * (seed / 65536 % 41 - 20);
        for (int at = 0; at < 4; at++) memcpy(bar + 8 * at, &px, 8);
        memset(decision, 0, 8);
        decided += on_bar(params, state, bar, bars, market, position, clock_, decision) != 0;
    }
    printf("%ld\n", (long)decided);
    return 0;
}
