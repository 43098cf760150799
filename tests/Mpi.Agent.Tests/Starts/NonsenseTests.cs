using System.Net;
using Kube.Testing;
using Mpi.Agent.Roles;
using Mpi.Agent.Testing;

namespace Mpi.Agent.Tests;

/// <summary>A member that was taken over says what it likes, in frames that are right and wrong: that costs it its connection, and nobody else anything.</summary>
public sealed class NonsenseTests
{
    private const int Seeds = 100;
    private static readonly TimeSpan AtMost = TimeSpan.FromMinutes(30);

    [Fact]
    public void A_worker_that_talks_nonsense_disturbs_neither_the_launcher_nor_its_neighbour()
    {
        for (var seed = 0; seed < Seeds; seed++)
        {
            var scene = new Scene(seed);
            scene.Run(async () =>
            {
                using var listener = scene.Listen();
                using var launcher = new LauncherRole(listener, new LauncherFiles("/nowhere"), static _ => { }, scene.Clock);
                var serving = launcher.ServeWorkersAsync(scene.Over);
                var neighbour = scene.ServeWorkerAsync("pi-worker-0");
                var talking = scene.TalkAsync(await scene.DialAsync("pi-worker-1"));
                // Calls of both, so that the nonsense is also about sessions that there are.
                var nonsense = scene.CallAsync(launcher, "pi-worker-1");
                for (var call = 0; call < 5; call++) Assert.Equal(0, await scene.CallAsync(launcher, "pi-worker-0"));

                Assert.False(serving.IsCompleted || neighbour.IsCompleted);
                scene.End();
                await Task.WhenAll(serving, neighbour, talking, nonsense).WithoutThrowing();
                Assert.False(serving.IsFaulted || talking.IsFaulted, $"{serving.Exception}{talking.Exception}");
            });
        }
    }

    [Fact]
    public void A_launcher_that_talks_nonsense_leaves_a_worker_that_serves_the_next()
    {
        for (var seed = 0; seed < Seeds; seed++)
        {
            var scene = new Scene(seed);
            scene.Run(async () =>
            {
                var serving = scene.ServeWorkerAsync("pi-worker-0");
                using (var bad = scene.Listen())
                using (var stop = new CancellationTokenSource())
                {
                    var met = new TaskCompletionSource<bool>();
                    var listening = bad.RunAsync(async (link, _, _) =>
                    {
                        await scene.TalkAsync(link);
                        met.TrySetResult(true);
                    }, stop.Token);
                    await met.Task;
                    stop.End();
                    await listening.WithoutThrowing();
                }

                using var listener = scene.Listen();
                using var launcher = new LauncherRole(listener, new LauncherFiles("/nowhere"), static _ => { }, scene.Clock);
                var good = launcher.ServeWorkersAsync(scene.Over);
                Assert.Equal(0, await scene.CallAsync(launcher, "pi-worker-0"));
                scene.End();
                await Task.WhenAll(good, serving).WithoutThrowing();
                Assert.False(serving.IsFaulted, $"{serving.Exception}");
            });
        }
    }

    /// <summary>One launcher's port and what dials it, in virtual time, from a seed.</summary>
    private sealed class Scene
    {
        private const int Port = 22722;

        private readonly Random _random;
        private readonly OneThread _thread;
        private readonly MemoryNetwork _network;
        private readonly Handshake _handshake;
        private readonly CancellationTokenSource _over = new();
        private readonly int _seed;

        public Scene(int seed)
        {
            _seed = seed;
            _random = new Random(seed);
            _thread = new OneThread(Clock, new Random(_random.Next()));
            _network = new MemoryNetwork(_thread, Clock, new Random(_random.Next()), new OneLauncherMap(Clock));
            _handshake = new Handshake(new NoProof(), Clock, LivenessPace.Default);
        }

        public VirtualClock Clock { get; } = new();

        public CancellationToken Over => _over.Token;

        public void End() => _over.End();

        public void Run(Func<Task> play)
        {
            try
            {
                _thread.Run(play, AtMost);
            }
            catch (Exception fault)
            {
                Assert.Fail($"seed {_seed}: {fault}");
            }
        }

        public WorkerListener Listen() => new(_network.Of(OneLauncherMap.Launcher).Listen(Port), _handshake, new Hello(AgentRole.Launcher, "pi-launcher", Guid.NewGuid()), Clock);

        public async Task<int> CallAsync(LauncherRole launcher, string host) => await StubCall.RunAsync(_network, OneLauncherMap.Launcher, launcher, host, ["orted"], Over) is null ? 0 : RemoteShell.Unreachable;

        public Task ServeWorkerAsync(string name)
        {
            var options = new WorkerOptions { Name = name, Service = OneLauncherMap.Service, Launcher = "pi-launcher", Port = Port };
            var agent = SimulatedProcess.Environment(Clock, new Random(_random.Next()), _network.Of(name), static _ => { });
            return new WorkerRole(options, _handshake, _network.Names, new StubDaemons(Clock, _ => TimeSpan.FromMilliseconds(_random.Next(3000))), agent).ServeAsync(Over);
        }

        public async Task<AgentLink> DialAsync(string name) => await _handshake.ConnectAsync(
            await _network.Of(name).ConnectAsync(new IPEndPoint(OneLauncherMap.Service, Port), Over), new Hello(AgentRole.Worker, name, Guid.NewGuid()), Over);

        /// <summary>Says what it likes until it has said enough, or is not listened to any more.</summary>
        public async Task TalkAsync(AgentLink link)
        {
            await using (link)
            {
                var hearing = link.RunAsync(static _ => { }, Over);
                for (var left = _random.Next(2, 40); left > 0 && !hearing.IsCompleted; left--)
                {
                    link.Post(Nonsense());
                    await Task.Delay(TimeSpan.FromMilliseconds(_random.Next(200)), Clock, Over);
                }

                link.Abort();
                await hearing;
            }
        }

        /// <summary>Anything from a frame in good order to one whose payload is another's, cut off or changed.</summary>
        private Frame Nonsense()
        {
            var session = (uint)_random.Next(4);
            Frame[] good =
            [
                new StartRequest(["orted", "-mca"], Shell: true, ["A=b"], "/").ToFrame(session), Messages.Data(session, SessionStream.Output, new byte[_random.Next(2000)]), Messages.End(session, SessionStream.Input),
                Messages.Credit(session, SessionStream.Output, 100), Messages.Signal(session, 15), new SessionEnd(0, 0).ToFrame(session), Messages.Refused(session, "no"), Frame.Of(FrameType.Close, session),
                Messages.Bye((Farewell)_random.Next(4)), Messages.Open("pi-worker-0"), Messages.Opened(OneLauncherMap.Address), new Hello(AgentRole.Worker, "pi-worker-0", Guid.NewGuid()).ToFrame(),
                new Frame(FrameType.Ping, 0, new byte[8]), new Frame(FrameType.Pong, 0, new byte[8]),
            ];
            var frame = good[_random.Next(good.Length)];
            if (_random.Next(3) > 0) return frame;
            var payload = frame.Payload.ToArray();
            if (payload.Length > 0 && _random.Next(2) == 0) payload[_random.Next(payload.Length)] = (byte)_random.Next(256);
            if (_random.Next(3) == 0) payload = payload[.._random.Next(payload.Length + 1)];
            return frame with { Type = _random.Next(3) == 0 ? good[_random.Next(good.Length)].Type : frame.Type, Payload = payload };
        }
    }
}
