/* SPDX-License-Identifier: MIT */
/*
 * Runs a fuzz target over the files of the folders named on the command line, so that every
 * input that once found something, and the whole corpus, is a test of every build.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay(const char *path)
{
    FILE *f = fopen(path, "rb");
    uint8_t *data;
    size_t size;
    long end;

    if (!f || fseek(f, 0, SEEK_END) || (end = ftell(f)) < 0 || fseek(f, 0, SEEK_SET)) {
        perror(path);
        return -1;
    }
    /* Exactly as long as the input, for AddressSanitizer's sake. */
    size = (size_t)end;
    data = malloc(size ? size : 1);
    if (!data || fread(data, 1, size, f) != size) {
        perror(path);
        return -1;
    }
    fclose(f);
    LLVMFuzzerTestOneInput(data, size);
    free(data);
    return 0;
}

static int replay_folder(const char *folder, unsigned *count)
{
    DIR *d = opendir(folder);
    struct dirent *e;
    char path[4096];
    int rc = 0;

    if (!d) {
        perror(folder);
        return -1;
    }
    while (!rc && (e = readdir(d))) {
        if (e->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        rc = replay(path);
        ++*count;
    }
    closedir(d);
    return rc;
}

int main(int argc, char **argv)
{
    unsigned count = 0;

    for (int i = 1; i < argc; i++)
        if (replay_folder(argv[i], &count))
            return 1;
    printf("%u inputs\n", count);
    return count == 0;
}
