/*
 * Keeps MPI_Finalize of MPICH over UCX and TCP from hanging (seen with Debian 12's MPICH 4.0.2 and UCX 1.13: up to half of
 * the runs of three ranks; openucx/ucx issue 8738 is the same).
 *
 * There each rank closes its connections and then waits for the others in a way in which it answers nobody. But closing a
 * TCP connection asks the peer for an answer, so a rank that is late asks one that no longer listens.
 *
 * With this library preloaded the ranks meet while they still answer each other (after that nothing is under way), and
 * then leave the connections to be dropped when the program ends.
 */
#define _GNU_SOURCE
#include <dlfcn.h>

#define MPI_COMM_WORLD 0x44000000 /* the same in all MPIs with MPICH's ABI */

int PMPI_Barrier(int comm) __attribute__((weak));
int PMPI_Finalize(void) __attribute__((weak));

static int finalizing;

int MPI_Finalize(void)
{
    PMPI_Barrier(MPI_COMM_WORLD);
    finalizing = 1;
    return PMPI_Finalize();
}

/* What MPICH closes connections with; NULL means: done already. */
void *ucp_disconnect_nb(void *endpoint)
{
    if (finalizing)
        return 0;
    void *(*disconnect)(void *) = (void *(*)(void *))dlsym(RTLD_NEXT, "ucp_disconnect_nb");
    return disconnect(endpoint);
}
