using System.Text.Json.Nodes;
using BenchmarkDotNet.Attributes;
using Kube.Client;
using Kube.Testing;
using Kube.Types;

namespace Benchmarks.Micro;

/// <summary>The embedded API server asked in process: no socket, no TLS, so that what is measured is the server.</summary>
public class ApiServerBenchmarks : IDisposable
{
    private const int Present = 10_000;

    private readonly List<IWatch> _watches = [];
    private TestCluster _cluster = null!;
    private int _made;
    private int _phase;

    [GlobalSetup]
    public void Prepare()
    {
        _cluster = new TestCluster();
        for (var i = 0; i < Present; i++) _cluster.Create(A.Pod($"present-{i}").Label("app", i % 100 == 0 ? "few" : "many"));
    }

    [GlobalSetup(Target = nameof(StatusPatchSeenByWatchers))]
    public void PrepareWatchers()
    {
        Prepare();
        for (var i = 0; i < 200; i++)
        {
            _watches.Add(_cluster.Client.WatchAsync(Kinds.Pod, "default", new WatchOptions(_cluster.Get(Kinds.Pod, "present-0").Meta.ResourceVersion), default).GetAwaiter().GetResult());
        }
    }

    [Benchmark]
    public KubeObject CreatePod() => _cluster.Create(A.Pod($"made-{_made++}"));

    [Benchmark]
    public KubeObject StatusPatch() => _cluster.Patch(Kinds.Pod, "present-7", new JsonObject { ["status"] = new JsonObject { ["message"] = $"{_phase++}" } }.ToJsonString(), "status");

    /// <summary>One write, and each of 200 watchers has read it.</summary>
    [Benchmark]
    public int StatusPatchSeenByWatchers()
    {
        StatusPatch();
        return _watches.Count(static watch => watch.TryRead(out _));
    }

    [Benchmark]
    public int ListAll() => _cluster.List(Kinds.Pod, "app").Count;

    [Benchmark]
    public int ListFewByLabel() => _cluster.List(Kinds.Pod, "app=few").Count;

    [GlobalCleanup]
    public void Dispose()
    {
        foreach (var watch in _watches) watch.DisposeAsync().AsTask().GetAwaiter().GetResult();
        _watches.Clear();
        _cluster.Dispose();
        GC.SuppressFinalize(this);
    }
}
