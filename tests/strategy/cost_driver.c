/* Calls an EMA crossover 4,000 times on the same walk of closes: `driver built-in LIBRARY` or `driver file LIBRARY PARAMS`.
   Prints how often it decided. Counted from outside, by callgrind. */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include "otrade/_core/types.h"

enum { CALLS = 4000, FAST = 9, SLOW = 21 };
static char params[4096], state[65536], bars[4 * 96], market[424], position[112], clock_[56], decision[96], bar[96];

int main(int argc, char **argv) {
    void *library = argc > 2 ? dlopen(argv[2], RTLD_NOW) : NULL;
    if (!library) { fprintf(stderr, "%s\n", dlerror()); return 1; }
    const int is_file = strcmp(argv[1], "file") == 0;
    int64_t (*on_bar)(void *, void *, void *, void *, void *, void *, void *, void *) = dlsym(library, "on_bar");
    int32_t (*built_in)(void *, void *, void *, void *) = dlsym(library, "test_otk_ema_cross_on_bar");
    if (is_file) {
        FILE *file = fopen(argv[3], "rb");
        if (!file || !fread(params, 1, sizeof params, file)) return 1;
        fclose(file);
    }
    cross_params_t q = {.bar_mode = 1, .side_mask = 3, .fast_period = FAST, .slow_period = SLOW};
    ema_cross_t s = {0};
    signal_t g = {0};
    bar_t b = {0};
    int64_t px = 15000000, seed = 7, decided = 0;
    for (int i = 0; i < CALLS; i++) {
        seed = (seed * 1103515245 + 12345) & 0x7fffffff;
        px += 500 * (seed / 65536 % 41 - 20);
        b.close_e4 = b.high_e4 = b.low_e4 = b.open_e4 = px;
        for (int at = 0; at < 4; at++) memcpy(bar + 8 * at, &px, 8);
        memset(decision, 0, 8);
        if (is_file) decided += on_bar(params, state, bar, bars, market, position, clock_, decision) != 0;
        else decided += built_in(&q, &s, &b, &g) != 0;
    }
    printf("%ld\n", (long)decided);
    return 0;
}
