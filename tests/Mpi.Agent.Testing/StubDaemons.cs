using Kube.Testing;
using Mpi.Agent.Roles;

namespace Mpi.Agent.Testing;

/// <summary>What an MPI daemon is to the agent: a program that starts, runs for a while and ends.</summary>
/// <param name="started">Told of each; says how long it runs.</param>
internal sealed class StubDaemons(VirtualClock clock, Func<StartRequest, TimeSpan> started) : IPrograms
{
    public IProgram Start(uint session, StartRequest request, Action<Frame> post) => new Daemon(session, post, clock, started(request));

    public Task EndAllAsync() => Task.CompletedTask;

    private sealed class Daemon : IProgram
    {
        private readonly CancellationTokenSource _killed = new();

        public Daemon(uint session, Action<Frame> post, VirtualClock clock, TimeSpan runs) => Ended = RunAsync(session, post, clock, runs);

        public Task Ended { get; }

        public void TakeInput(ReadOnlyMemory<byte> bytes) { }

        public void EndInput() { }

        public void TakeCredit(SessionStream stream, int count) { }

        public void Signal(int signal) => _killed.End();

        public Task KillAsync()
        {
            _killed.End();
            return Ended;
        }

        private async Task RunAsync(uint session, Action<Frame> post, VirtualClock clock, TimeSpan runs)
        {
            await Task.Delay(runs, clock, _killed.Token).WithoutThrowing();
            post(new SessionEnd(Code: 0, (byte)(_killed.IsCancellationRequested ? LibC.SigTerm : 0)).ToFrame(session));
        }
    }
}
