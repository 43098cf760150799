using System.Text.Json.Nodes;
using Kube.Testing;
using Kube.Types;

namespace Kube.Controllers.Tests;

public sealed class EventExpiryTests
{
    [Fact]
    public void An_event_goes_an_hour_after_it_was_last_written()
    {
        using var cluster = With(new EventExpiryOptions());
        cluster.Create(Kinds.Event, Event("once"));
        cluster.Create(Kinds.Event, Event("again"));
        cluster.Stepper.RunFor(TimeSpan.FromMinutes(40));
        cluster.Patch(Kinds.Event, "again", """{"count":2}""");

        cluster.Stepper.RunFor(TimeSpan.FromMinutes(19));
        Assert.Equal(["again", "once"], Names(cluster));
        cluster.Stepper.RunFor(TimeSpan.FromMinutes(2));
        Assert.Equal(["again"], Names(cluster));
        cluster.Stepper.RunFor(TimeSpan.FromMinutes(40));
        Assert.Empty(Names(cluster));
    }

    [Fact]
    public void A_busy_cluster_keeps_the_most_recent_ones()
    {
        using var cluster = With(new EventExpiryOptions { EventsMax = 3 });
        foreach (var name in new[] { "a", "b", "c", "d", "e" }) cluster.Create(Kinds.Event, Event(name));

        cluster.Stepper.RunFor(TimeSpan.FromSeconds(1));

        Assert.Equal(["c", "d", "e"], Names(cluster));
    }

    private static TestCluster With(EventExpiryOptions options)
    {
        var cluster = new TestCluster();
        cluster.Stepper.Add(new EventExpiry(cluster.Connect("expiry").Client, options, cluster.Clock, cluster.NewRandom()).Loops);
        return cluster;
    }

    private static IEnumerable<string> Names(TestCluster cluster) => cluster.List(Kinds.Event).Select(static e => e.Meta.Name).Order(StringComparer.Ordinal);

    private static KubeObject Event(string name) => KubeObject.From(new JsonObject
    {
        ["apiVersion"] = "v1", ["kind"] = "Event", ["metadata"] = new JsonObject { ["name"] = name, ["namespace"] = "default" },
        ["involvedObject"] = new JsonObject { ["kind"] = "Pod", ["name"] = "p", ["namespace"] = "default" }, ["reason"] = "R", ["message"] = "m", ["type"] = "Normal",
    });
}
