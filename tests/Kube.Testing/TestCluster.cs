using Kube.ApiServer;
using Kube.Client;
using Kube.Types;

namespace Kube.Testing;

/// <summary>
/// An API server in this thread, a virtual clock, and a stepper: everything that a test's components run on. One seed gives
/// one run. Components get a client each, whose requests can be counted and spoiled without touching the others'.
/// </summary>
public sealed class TestCluster : IDisposable
{
    private readonly List<IDisposable> _owned = [];
    private readonly int _seed;
    private int _randoms;

    public TestCluster(int seed = 1)
    {
        _seed = seed;
        Clock = new VirtualClock();
        Server = new KubeApiServer(new ApiServerOptions { Time = Clock, Random = NewRandom() });
        Stepper = new Stepper(Clock, NewRandom());
        (Client, Requests) = Connect();
    }

    public VirtualClock Clock { get; }
    public KubeApiServer Server { get; }
    public Stepper Stepper { get; }

    /// <summary>The test's own client.</summary>
    public KubeClient Client { get; }

    public FaultInjectingHandler Requests { get; }

    /// <summary>A source of randomness of its own, so that one component's draws do not change another's.</summary>
    public Random NewRandom() => new(HashCode(_seed, ++_randoms));

    public (KubeClient Client, FaultInjectingHandler Requests) Connect(string userAgent = "test")
    {
        var handler = new FaultInjectingHandler(new InProcessHandler(Server), Clock);
        var client = new KubeClient(handler, InProcessHandler.BaseAddress, new KubeClientOptions(Timeout.InfiniteTimeSpan, userAgent), Clock);
        _owned.Add(client);
        return (client, handler);
    }

    public KubeObject Create(ObjectBuilder obj) => Create(obj.Kind, obj.Build());

    public KubeObject Create(ResourceKind kind, KubeObject obj) => Now(Client.CreateAsync(kind, obj, default));

    public KubeObject? Find(ResourceKind kind, string name, string ns = "default")
    {
        try
        {
            return Now(Client.GetAsync(kind, kind.Namespaced ? ns : null, name, default));
        }
        catch (ApiException e) when (e.IsNotFound)
        {
            return null;
        }
    }

    public KubeObject Get(ResourceKind kind, string name, string ns = "default") => Now(Client.GetAsync(kind, kind.Namespaced ? ns : null, name, default));

    public IReadOnlyList<KubeObject> List(ResourceKind kind, string labelSelector = "") => Now(Client.ListAsync(kind, null, new ListOptions(labelSelector), default)).Items;

    /// <summary>Merges JSON into an object, or into its status.</summary>
    public KubeObject Patch(ResourceKind kind, string name, string json, string? subresource = null, string ns = "default") => Now(Client.PatchAsync(
        kind, kind.Namespaced ? ns : null, name, Kube.Client.Patch.Merge((System.Text.Json.Nodes.JsonObject)System.Text.Json.Nodes.JsonNode.Parse(json)!), subresource, default));

    public void Delete(ResourceKind kind, string name, string? propagation = null, string ns = "default", TimeSpan? grace = null) =>
        Now(Client.DeleteAsync(kind, kind.Namespaced ? ns : null, name, new DeleteOptions(GracePeriod: grace, Propagation: propagation), default));

    /// <summary>Creates an object and writes the status that was built with it, as a component would that owns it.</summary>
    public KubeObject CreateWithStatus(ObjectBuilder obj)
    {
        var status = obj.Tree["status"]?.DeepClone();
        Create(obj);
        return Patch(obj.Kind, (string)obj.Tree["metadata"]!["name"]!, new System.Text.Json.Nodes.JsonObject { ["status"] = status }.ToJsonString(), "status");
    }

    public void Dispose()
    {
        foreach (var owned in _owned) owned.Dispose();
        Server.Dispose();
    }

    // Requests to the server in process complete before the call returns: there is nothing to wait for.
    private static T Now<T>(Task<T> request) => request.IsCompleted ? request.GetAwaiter().GetResult() : throw new StepperException("a request did not complete synchronously");

    private static void Now(Task request)
    {
        if (!request.IsCompleted) throw new StepperException("a request did not complete synchronously");
        request.GetAwaiter().GetResult();
    }

    // Not System.HashCode, which differs from process to process.
    private static int HashCode(int seed, int number) => unchecked((seed * 486187739) ^ (number * 16777619));
}
