/*
 * Pi by MPI: the ranks share the midpoint rule for the integral of 4 / (1 + x^2) from 0 to 1.
 *
 *     pi [INTERVALS]
 *
 * Each rank says where it runs, rank 0 prints the sum. The default takes about a second of CPU time, so that there is
 * something to watch, and is exact to more than 12 digits.
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

    long intervals = argc > 1 ? atol(argv[1]) : 400000000L;
    if (intervals < 1) {
        if (rank == 0)
            fprintf(stderr, "pi: \"%s\" is no number of intervals\n", argv[1]);
        MPI_Finalize();
        return 2;
    }

    double width = 1.0 / (double)intervals;
    double sum = 0.0;
    for (long i = rank; i < intervals; i += ranks) {
        double x = ((double)i + 0.5) * width;
        sum += 4.0 / (1.0 + x * x);
    }

    double mine = sum * width, pi = 0.0;
    MPI_Reduce(&mine, &pi, 1, MPI_DOUBLE, MPI_SUM, 0, MPI_COMM_WORLD);
    if (rank == 0)
        printf("pi is approximately %.12f\n", pi);

    MPI_Finalize();
    return 0;
}
