using Kube.Testing;
using Kube.Types;
using Microsoft.Extensions.Logging.Abstractions;
using Mpi.Planning;

namespace Mpi.Operator.Tests;

public sealed class EventRecorderTests
{
    private static readonly ResourceKind Thing = new("example.com", "v1", "Thing", "things");

    private readonly VirtualClock _clock = new();
    private readonly ScriptedKube _kube = new();
    private readonly EventRecorder _recorder;
    private readonly KubeObject _job = A.Object(Thing, "pi").In("hpc").Uid("u-1").With("metadata.resourceVersion", "\"7\"");

    public EventRecorderTests() => _recorder = new EventRecorder(_kube, _clock, new Random(1), NullLogger.Instance);

    private Task Say(PlanEvent news) => _recorder.RecordAsync(_job, news, CancellationToken.None);

    [Fact]
    public async Task An_event_names_its_object_its_source_and_its_time()
    {
        await Say(PlanEvent.Normal("Started", "it started"));
        var e = Assert.Single(_kube.All(Kinds.Event));
        Assert.StartsWith("pi.", e.Meta.Name);
        Assert.Equal("hpc", e.Meta.Namespace);
        Assert.Equal("example.com/v1", e.Root.Text("involvedObject", "apiVersion"));
        Assert.Equal("u-1", e.Root.Text("involvedObject", "uid"));
        Assert.Equal("hpc", e.Root.Text("involvedObject", "namespace"));
        Assert.Equal("mpi-job-controller", e.Root.Text("source", "component"));
        Assert.Equal("mpi-job-controller", e.Root.Text("reportingComponent"));
        Assert.Equal("Normal", e.Root.Text("type"));
        Assert.Equal("it started", e.Root.Text("message"));
        Assert.Equal(KubeTime.Format(_clock.GetUtcNow()), e.Root.Text("firstTimestamp"));
        Assert.Equal(1, e.Root.Integer("count"));
    }

    [Fact]
    public async Task The_same_news_again_raises_the_count_and_other_news_does_not()
    {
        await Say(PlanEvent.Normal("Started", "it started"));
        _clock.Advance(TimeSpan.FromMinutes(1));
        await Say(PlanEvent.Normal("Started", "it started"));
        await Say(PlanEvent.Normal("Started", "it started otherwise"));
        Assert.Equal(2, _kube.All(Kinds.Event).Count());
        var counted = Assert.Single(_kube.All(Kinds.Event), static e => e.Root.Integer("count") == 2);
        Assert.Equal(KubeTime.Format(_clock.GetUtcNow()), counted.Root.Text("lastTimestamp"));
        Assert.NotEqual(counted.Root.Text("lastTimestamp"), counted.Root.Text("firstTimestamp"));
    }

    [Fact]
    public async Task An_event_that_has_expired_is_written_anew()
    {
        await Say(PlanEvent.Normal("Started", "it started"));
        var old = _kube.All(Kinds.Event).Single();
        await _kube.DeleteAsync(Kinds.Event, "hpc", old.Meta.Name, new Kube.Client.DeleteOptions(), CancellationToken.None);
        await Say(PlanEvent.Normal("Started", "it started"));
        Assert.Equal(1, Assert.Single(_kube.All(Kinds.Event)).Root.Integer("count"));
    }

    [Fact]
    public async Task An_event_that_cannot_be_written_is_dropped_without_harm()
    {
        _kube.Before = static _ => ScriptedKube.Failure(403, ApiReason.Forbidden, "the namespace is being terminated");
        await Say(PlanEvent.Warning("Bad", "news"));
        _kube.Before = static _ => new HttpRequestException("away");
        await Say(PlanEvent.Warning("Bad", "news"));
        Assert.Empty(_kube.All(Kinds.Event));
    }

    [Fact]
    public async Task A_long_message_is_cut_at_1024_characters()
    {
        await Say(PlanEvent.Warning("Bad", new string('x', 5000)));
        var message = _kube.All(Kinds.Event).Single().Root.Text("message")!;
        Assert.Equal(1024, message.Length);
        Assert.EndsWith("x...", message);
    }

    [Fact]
    public async Task A_name_stays_within_the_limit_of_names()
    {
        var job = A.Object(Thing, new string('j', 250)).Uid("u-2").Build();
        await _recorder.RecordAsync(job, PlanEvent.Normal("R", "m"), CancellationToken.None);
        Assert.Equal(253, _kube.All(Kinds.Event).Single().Meta.Name.Length);
    }
}
