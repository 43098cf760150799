using System.Collections.Immutable;
using Mpi.Agent.Protocol;

namespace Mpi.Agent.Roles;

/// <summary>
/// Workers that were lost, in the container's termination message: there the operator reads why mpirun failed, where mpirun's own last words only tell
/// that a daemon went away. Without a loss nothing is written, and the message is the program's.
/// </summary>
/// <param name="write">Puts a message in the place of the one before.</param>
internal sealed class LossReport(Action<string> write, TextWriter error)
{
    /// <summary>The cause is among the first; a job that ends takes all others along.</summary>
    private const int Most = 16;

    private readonly Lock _lock = new();
    private ImmutableArray<LostWorker> _lost = [];

    public void Add(LostWorker worker)
    {
        lock (_lock)
        {
            if (_lost.Length == Most) return;
            _lost = _lost.Add(worker);
            try
            {
                write(new AgentReport { Launcher = new LauncherReport { Lost = _lost } }.ToTerminationMessage());
            }
            catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
            {
                // The call of mpirun fails all the same; only the report is lost.
                error.WriteLine($"kubempi-agent: no report of the loss: {fault.Message}");
            }
        }
    }
}
