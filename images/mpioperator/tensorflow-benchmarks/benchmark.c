/*
 * What data-parallel training asks of MPI: after each batch the gradients of all ranks are summed up.
 *
 *     cnn_benchmark [STEPS [MEGABYTES]]
 *
 * Each rank says where it runs; rank 0 says how many steps were done in a second. The gradients are checked.
 */
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);

    int rank, ranks, length;
    char host[MPI_MAX_PROCESSOR_NAME];
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    MPI_Get_processor_name(host, &length);
    printf("rank %d of %d on %s\n", rank, ranks, host);
    fflush(stdout);

    int steps = argc > 1 ? atoi(argv[1]) : 10;
    int values = (argc > 2 ? atoi(argv[2]) : 1) * (1 << 20) / (int)sizeof(float);
    if (steps < 1 || values < 1) {
        if (rank == 0)
            fprintf(stderr, "cnn_benchmark: steps and megabytes must be 1 or more\n");
        MPI_Finalize();
        return 2;
    }

    float *gradient = malloc((size_t)values * sizeof *gradient);
    float *sum = malloc((size_t)values * sizeof *sum);
    if (!gradient || !sum)
        MPI_Abort(MPI_COMM_WORLD, 1);

    double start = MPI_Wtime();
    for (int step = 1; step <= steps; step++) {
        for (int i = 0; i < values; i++)
            gradient[i] = (float)((rank + step) % 16);
        MPI_Allreduce(gradient, sum, values, MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD);
        float expected = 0;
        for (int r = 0; r < ranks; r++)
            expected += (float)((r + step) % 16);
        if (sum[0] != expected || sum[values - 1] != expected) {
            fprintf(stderr, "rank %d: the sum is %g, not %g\n", rank, sum[0], expected);
            MPI_Abort(MPI_COMM_WORLD, 1);
        }
    }

    if (rank == 0)
        printf("total steps/sec: %.2f\n", steps / (MPI_Wtime() - start));
    MPI_Finalize();
    return 0;
}
