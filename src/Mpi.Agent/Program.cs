using System.Runtime.InteropServices;
using Mpi.Agent.Roles;

// SIGTERM ends a role at once; as process 1 of a container it would be ignored without a handler.
using var ended = new CancellationTokenSource();
using var onTerm = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Cancel);
using var onInterrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Cancel);
return await AgentProgram.RunAsync(args, AgentEnvironment.OfThisProcess(), ended.Token);

void Cancel(PosixSignalContext signal)
{
    signal.Cancel = true;
    ended.Cancel();
}
