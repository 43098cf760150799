using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Mpi.Agent.Roles;

/// <summary>
/// The programs that a worker's agent started, and how they end. In the agent's own process it reaps orphans too, which
/// come to it as they come to an init.
/// </summary>
internal sealed class Children : IDisposable
{
    private readonly Lock _lock = new();
    private readonly Dictionary<int, TaskCompletionSource<SessionEnd>> _running = [];
    private readonly PosixSignalRegistration _onChild;

    /// <param name="ownsProcess">Whether all children of this process are its own and its orphans.</param>
    public Children(bool ownsProcess)
    {
        OwnsProcess = ownsProcess;
        if (ownsProcess) LibC.BecomeSubreaper();
        _onChild = PosixSignalRegistration.Create(PosixSignal.SIGCHLD, _ => Reap());
    }

    public bool OwnsProcess { get; }

    public (int Pid, Task<SessionEnd> Ended) Start(SpawnRequest request, SafeFileHandle input, SafeFileHandle output, SafeFileHandle error)
    {
        // Under the lock: a child that ends at once is not taken for an orphan.
        lock (_lock)
        {
            var pid = Spawn.Start(request, input, output, error);
            var ended = new TaskCompletionSource<SessionEnd>(TaskCreationOptions.RunContinuationsAsynchronously);
            _running.Add(pid, ended);
            return (pid, ended.Task);
        }
    }

    private void Reap()
    {
        lock (_lock)
        {
            foreach (var (pid, ended) in _running.ToArray())
            {
                if (LibC.Reap(pid) is not { } end) continue;
                _running.Remove(pid);
                ended.SetResult(end);
            }

            while (OwnsProcess && LibC.EndedChild() is not 0 and var orphan) LibC.Reap(orphan);
        }
    }

    public void Dispose() => _onChild.Dispose();
}
