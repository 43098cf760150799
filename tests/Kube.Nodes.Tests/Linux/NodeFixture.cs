using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using Kube.ApiServer;
using Kube.Client;
using Kube.Nodes.Linux;
using Kube.Types;

namespace Kube.Nodes.Tests;

/// <summary>An API server and a node of this machine, driven on the real clock: sandboxes are real processes.</summary>
internal sealed class NodeFixture : IAsyncDisposable
{
    public const string NodeName = "machine";
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    private readonly KubeApiServer _server;
    private readonly CancellationTokenSource _stop = new();
    private readonly List<Task> _running = [];

    private NodeFixture(KubeApiServer server, KubeClient client, LinuxNode node, ConcurrentQueue<string> notices)
    {
        _server = server;
        Client = client;
        Node = node;
        Notices = notices;
        foreach (var loop in node.Loops) _running.Add(LoopRunner.RunAsync(loop, _stop.Token));
    }

    /// <summary>The shipped stand-ins: the folder above that has them.</summary>
    public static string Images
    {
        get
        {
            for (var folder = AppContext.BaseDirectory; folder is not null; folder = Path.GetDirectoryName(folder))
            {
                if (Directory.Exists(Path.Join(folder, "images", "mpioperator"))) return Path.Join(folder, "images");
            }

            throw new InvalidOperationException("no images folder above the tests");
        }
    }

    public KubeClient Client { get; }
    public LinuxNode Node { get; }
    public ConcurrentQueue<string> Notices { get; }

    public static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public static async Task<NodeFixture> StartAsync(Func<LinuxNodeOptions, LinuxNodeOptions>? change = null)
    {
        var server = new KubeApiServer(new ApiServerOptions());
        var client = new KubeClient(new InProcessHandler(server), InProcessHandler.BaseAddress, KubeClientOptions.Default, TimeProvider.System);
        var notices = new ConcurrentQueue<string>();
        var options = new LinuxNodeOptions { Name = NodeName, CacheFolder = Path.Join(Path.GetTempPath(), $"kube-nodes-tests-{LibC.GetEffectiveUserId()}"), Heartbeat = TimeSpan.FromHours(1), ImageSearchPath = [Images], Mode = Environment.GetEnvironmentVariable("KUBE_NODES_TEST_MODE") is { Length: > 0 } mode ? Enum.Parse<SandboxMode>(mode) : null };
        var node = await LinuxNode.StartAsync(client, change?.Invoke(options) ?? options, TimeProvider.System, new Random(), n => notices.Enqueue(n.Text), Cancelled);
        return new NodeFixture(server, client, node, notices);
    }

    /// <summary>Creates objects from YAML; pods are bound to the node.</summary>
    public async Task ApplyAsync(string yaml)
    {
        foreach (var document in Yaml.Read(yaml))
        {
            var tree = document.Root;
            tree.Object("metadata")["namespace"] ??= "default";
            if ((string?)tree["kind"] == "Pod") tree.Object("spec")["nodeName"] ??= NodeName;
            var kind = (string?)tree["kind"] switch
            {
                "Pod" => Kinds.Pod,
                "ConfigMap" => Kinds.ConfigMap,
                "Secret" => Kinds.Secret,
                "Service" => Kinds.Service,
                "PersistentVolumeClaim" => Kinds.PersistentVolumeClaim,
                "EndpointSlice" => Kinds.EndpointSlice,
                var other => throw new InvalidOperationException($"no {other} in these tests"),
            };
            await Client.CreateAsync(kind, KubeObject.From(tree), Cancelled);
        }
    }

    public Task<KubeObject> PodAsync(string name) => Client.GetAsync(Kinds.Pod, "default", name, Cancelled);

    /// <summary>Waits until the pod is as wanted; what it was last stands in the failure.</summary>
    public async Task<JsonElement> WaitAsync(string name, Func<JsonElement, bool> wanted, TimeSpan? limit = null)
    {
        var end = TimeProvider.System.GetUtcNow() + (limit ?? Limit);
        KubeObject? pod = null;
        while (TimeProvider.System.GetUtcNow() < end)
        {
            foreach (var task in _running) if (task.IsFaulted) await task;
            pod = await PodAsync(name);
            if (wanted(pod.Root)) return pod.Root;
            await Task.Delay(20, Cancelled);
        }

        throw new TimeoutException($"{Yaml.Write(pod!.Root.At("status"))}\n{string.Join("\n", Notices)}\n{await EventsAsync(name)}");
    }

    public Task<JsonElement> WaitPhaseAsync(string name, string phase) => WaitAsync(name, p => p.Text("status", "phase") == phase);

    /// <summary>A pod whose one container runs a shell script to its end: what it wrote.</summary>
    public async Task<string> RunAsync(string name, string script, string spec = "", string container = "")
    {
        await ApplyAsync($"""
            apiVersion: v1
            kind: Pod
            metadata: {"{"}name: {name}{"}"}
            spec:
              restartPolicy: Never
            {Indent(spec, 2)}
              containers:
              - name: main
                image: scratch/none
                command: [sh, -c, {JsonEncodedText.Encode(script).ToString().Insert(0, "\"")}"]
            {Indent(container, 4)}
            """);
        await WaitAsync(name, static p => p.Text("status", "phase") is "Succeeded" or "Failed");
        return await LogAsync(name, "main");
    }

    public async Task<string> LogAsync(string pod, string container, ContainerLogOptions? options = null)
    {
        await using var stream = Node.OpenLog("default", pod, container, options ?? new ContainerLogOptions());
        using var text = new StreamReader(stream);
        return await text.ReadToEndAsync(Cancelled).WaitAsync(Limit, Cancelled);
    }

    public async Task WaitLogAsync(string pod, string container, string text)
    {
        await WaitAsync(pod, static p => p.Text("status", "phase") != "Pending");
        await using var stream = Node.OpenLog("default", pod, container, new ContainerLogOptions(Follow: true));
        var seen = new StringBuilder();
        var buffer = new byte[256];
        while (!seen.ToString().Contains(text, StringComparison.Ordinal))
        {
            var read = await stream.ReadAsync(buffer, Cancelled).AsTask().WaitAsync(Limit, Cancelled);
            if (read == 0) throw new InvalidOperationException($"the log ended before \"{text}\": {seen}");
            seen.Append(Encoding.UTF8.GetString(buffer, 0, read));
        }
    }

    public static async Task UntilAsync(Func<bool> wanted)
    {
        var end = TimeProvider.System.GetUtcNow() + Limit;
        while (!wanted())
        {
            if (TimeProvider.System.GetUtcNow() > end) throw new TimeoutException("it did not come true");
            await Task.Delay(20, Cancelled);
        }
    }

    public async Task<string> EventsAsync(string pod)
    {
        var events = await Client.ListAsync(Kinds.Event, "default", new ListOptions(), Cancelled);
        return string.Join("\n", events.Items.Where(e => e.Root.Text("involvedObject", "name") == pod).Select(static e => $"{e.Root.Text("type")} {e.Root.Text("reason")} x{e.Root.Integer("count")}: {e.Root.Text("message")}"));
    }

    /// <summary>The pod's events once one of them has this text: they are written a little after what they tell of.</summary>
    public async Task<string> SettledEventsAsync(string pod, string text)
    {
        var end = TimeProvider.System.GetUtcNow() + Limit;
        while (true)
        {
            var events = await EventsAsync(pod);
            if (events.Contains(text, StringComparison.Ordinal)) return events;
            if (TimeProvider.System.GetUtcNow() > end) throw new TimeoutException($"no event with \"{text}\":\n{events}");
            await Task.Delay(50, Cancelled);
        }
    }

    public async Task DeleteAsync(string pod, TimeSpan? grace = null) => await Client.DeleteAsync(Kinds.Pod, "default", pod, new DeleteOptions(GracePeriod: grace), Cancelled);

    public async Task WaitGoneAsync(string pod)
    {
        var end = TimeProvider.System.GetUtcNow() + Limit;
        while (TimeProvider.System.GetUtcNow() < end)
        {
            try
            {
                await PodAsync(pod);
            }
            catch (ApiException gone) when (gone.IsNotFound)
            {
                return;
            }

            await Task.Delay(20, Cancelled);
        }

        throw new TimeoutException($"pod {pod} is still there\n{string.Join("\n", Notices)}");
    }

    /// <exception cref="TimeoutException">It does not end: a test that would otherwise hang.</exception>
    public async ValueTask DisposeAsync() => await EndAsync().WaitAsync(Limit + Limit, CancellationToken.None);

    private async Task EndAsync()
    {
        await _stop.CancelAsync();
        foreach (var task in _running)
        {
            try
            {
                await task;
            }
            catch (OperationCanceledException)
            {
                // The way a loop ends.
            }
        }

        await Node.DisposeAsync();
        Client.Dispose();
        _server.Dispose();
        _stop.Dispose();
    }

    private static string Indent(string yaml, int by) => string.Join("\n", yaml.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => new string(' ', by) + l));
}
