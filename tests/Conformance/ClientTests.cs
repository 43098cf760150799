using System.Text.Json.Nodes;
using Kube.Client;
using Kube.Testing;
using Kube.Types;

namespace Conformance;

/// <summary>What the client relies on, asked of every server it meets.</summary>
public sealed class ClientTests
{
    private static readonly CancellationToken None = CancellationToken.None;

    public static TheoryData<string> Targets => Target.All;

    [Theory]
    [MemberData(nameof(Targets))]
    public async Task An_object_is_made_read_changed_in_every_way_and_deleted(string name)
    {
        await using var target = await Target.OpenAsync(name);
        var (client, ns) = (target.Client, await NamespaceAsync(target));
        var made = await client.CreateAsync(Kinds.ConfigMap, A.ConfigMap("a").In(ns).With("data", """{"x":"1"}"""), None);
        Assert.NotEmpty(made.Meta.Uid);
        Assert.True((await Refused(() => client.CreateAsync(Kinds.ConfigMap, A.ConfigMap("a").In(ns), None))).IsAlreadyExists);

        var changed = made.ToTree();
        changed.Object("data")["y"] = "2";
        var updated = await client.UpdateAsync(Kinds.ConfigMap, KubeObject.From(changed), null, None);
        Assert.NotEqual(made.Meta.ResourceVersion, updated.Meta.ResourceVersion);
        var stale = await Refused(() => client.UpdateAsync(Kinds.ConfigMap, KubeObject.From(changed), null, None));
        Assert.True(stale.IsConflict);
        Assert.Equal(Responsibility.Replan, stale.Responsibility);

        await client.PatchAsync(Kinds.ConfigMap, ns, "a", Patch.Merge(new JsonObject { ["data"] = new JsonObject { ["x"] = null, ["z"] = "3" } }), null, None);
        await client.PatchAsync(Kinds.ConfigMap, ns, "a", Patch.Json([new JsonObject { ["op"] = "replace", ["path"] = "/data/y", ["value"] = "4" }]), null, None);
        await client.PatchAsync(Kinds.ConfigMap, ns, "a", Patch.Strategic(new JsonObject { ["metadata"] = new JsonObject { ["labels"] = new JsonObject { ["l"] = "5" } } }), null, None);
        var read = await client.GetAsync(Kinds.ConfigMap, ns, "a", None);
        Assert.Equal("""{"y":"4","z":"3"}""", read.Root.At("data").GetRawText());
        Assert.Equal("5", read.Meta.Labels["l"]);

        var late = Patch.Merge(new JsonObject { ["metadata"] = new JsonObject { ["resourceVersion"] = made.Meta.ResourceVersion }, ["data"] = new JsonObject { ["q"] = "1" } });
        Assert.True((await Refused(() => client.PatchAsync(Kinds.ConfigMap, ns, "a", late, null, None))).IsConflict);
        Assert.True((await Refused(() => client.DeleteAsync(Kinds.ConfigMap, ns, "a", new DeleteOptions(Uid: "other"), None))).IsConflict);
        await client.DeleteAsync(Kinds.ConfigMap, ns, "a", new DeleteOptions(made.Meta.Uid, read.Meta.ResourceVersion), None);
        Assert.True((await Refused(() => client.GetAsync(Kinds.ConfigMap, ns, "a", None))).IsNotFound);
    }

    [Theory]
    [MemberData(nameof(Targets))]
    public async Task An_invalid_object_is_the_users_to_mend_and_every_fault_is_named(string name)
    {
        await using var target = await Target.OpenAsync(name);
        var ns = await NamespaceAsync(target);
        var pod = A.Pod("x").In(ns).Label("a", "b@");
        ((JsonObject)pod.Tree["spec"]!["containers"]![0]!)["name"] = "A";
        var refused = await Refused(() => target.Client.CreateAsync(Kinds.Pod, pod, None));
        Assert.Equal((422, ApiReason.Invalid, Responsibility.User), (refused.Status.Code, refused.Status.Reason, refused.Responsibility));
        Assert.Equal(["metadata.labels", "spec.containers[0].name"], refused.Status.Causes.Select(static c => c.Field).Order());
        // The rules and their words are ours as well.
        Assert.Contains(Names.CheckLabelValue("b@")[0], refused.Message);
        Assert.Contains(Names.CheckDns1123Label("A")[0], refused.Message);
    }

    [Theory]
    [MemberData(nameof(Targets))]
    public async Task Selectors_select_for_the_server_what_they_select_here(string name)
    {
        await using var target = await Target.OpenAsync(name);
        var ns = await NamespaceAsync(target);
        (string, string)[][] sets = [[], [("a", "1")], [("a", "2"), ("b", "")], [("a", ""), ("c", "x")], [("b", "10")], [("example.com/a", "1")]];
        for (var i = 0; i < sets.Length; i++)
        {
            var map = A.ConfigMap($"c{i}").In(ns).Label("t", "1");
            foreach (var (key, value) in sets[i]) map.Label(key, value);
            await target.Client.CreateAsync(Kinds.ConfigMap, map, None);
        }

        // A real server's controllers put a map of their own into each namespace.
        var all = (await target.Client.ListAsync(Kinds.ConfigMap, ns, new ListOptions("t=1"), None)).Items;
        string[] selectors = ["a", "!a", "a=1", "a==1", "a!=1", "a in (1,2)", "a notin (1,2)", "a in (1,,2)", "a=", "b>5", "b<11", "a,b", "a,!b", "example.com/a=1", " a  in ( 1 , 2 ) , c notin (x)", "a in ()"];
        foreach (var selector in selectors)
        {
            var theirs = (await target.Client.ListAsync(Kinds.ConfigMap, ns, new ListOptions($"{selector},t=1"), None)).Items.Select(static o => o.Meta.Name);
            var ours = all.Where(o => LabelSelector.Parse(selector).Matches(o.Meta.Labels)).Select(static o => o.Meta.Name);
            Assert.True(ours.SequenceEqual(theirs), $"{selector}: the server selects {string.Join(",", theirs)}");
        }

        string[] broken = ["a=b,", "a in x", "a in (x", "a in (x y)", "a b", "a=b c", "=b", "!", "a=b@", "a>b", "a,,b", "a notin", "!a=b", "a=(", ",", "a in (x,", "a!b"];
        foreach (var selector in broken)
        {
            var refused = await Refused(() => target.Client.ListAsync(Kinds.ConfigMap, ns, new ListOptions(selector), None));
            Assert.False(LabelSelector.TryParse(selector, out _, out var ours));
            Assert.Equal((400, ours), (refused.Status.Code, refused.Message));
        }

        var one = (await target.Client.ListAsync(Kinds.ConfigMap, ns, new ListOptions(FieldSelector: "metadata.name!=c1,metadata.name=c2"), None)).Items;
        Assert.Equal("c2", Assert.Single(one).Meta.Name);
    }

    [Theory]
    [MemberData(nameof(Targets))]
    public async Task A_list_comes_in_pages_of_one_state_and_many_are_deleted_at_once(string name)
    {
        await using var target = await Target.OpenAsync(name);
        var ns = await NamespaceAsync(target);
        for (var i = 0; i < 7; i++) await target.Client.CreateAsync(Kinds.ConfigMap, A.ConfigMap($"c{i}").In(ns).Label("odd", i % 2 == 1 ? "yes" : "no"), None);
        var mine = new ListOptions("odd", Limit: 3);
        var first = await target.Client.ListAsync(Kinds.ConfigMap, ns, mine, None);
        await target.Client.CreateAsync(Kinds.ConfigMap, A.ConfigMap("c9").In(ns).Label("odd", "yes"), None);
        var second = await target.Client.ListAsync(Kinds.ConfigMap, ns, mine with { Continue = first.Continue }, None);
        var third = await target.Client.ListAsync(Kinds.ConfigMap, ns, mine with { Continue = second.Continue }, None);
        Assert.Equal((3, 3, 1, ""), (first.Items.Count, second.Items.Count, third.Items.Count, third.Continue));
        Assert.Equal(first.ResourceVersion, third.ResourceVersion);
        Assert.All(first.Items, static o => Assert.Equal(("v1", "ConfigMap"), (o.ApiVersion, o.Kind)));
        await target.Client.DeleteCollectionAsync(Kinds.ConfigMap, ns, new ListOptions("odd=yes"), new DeleteOptions(), None);
        var left = await target.Client.ListAsync(Kinds.ConfigMap, ns, new ListOptions("odd"), None);
        Assert.Equal(["c0", "c2", "c4", "c6"], left.Items.Select(static o => o.Meta.Name));
    }

    [Theory]
    [MemberData(nameof(Targets))]
    public async Task A_watch_brings_each_change_in_order_and_what_left_the_selection_as_deleted(string name)
    {
        await using var target = await Target.OpenAsync(name);
        var (client, ns) = (target.Client, await NamespaceAsync(target));
        var start = (await client.ListAsync(Kinds.ConfigMap, ns, new ListOptions(), None)).ResourceVersion;
        await using var watch = await client.WatchAsync(Kinds.ConfigMap, ns, new WatchOptions(start, "w=1"), None);
        await client.CreateAsync(Kinds.ConfigMap, A.ConfigMap("a").In(ns).Label("w", "1"), None);
        await client.PatchAsync(Kinds.ConfigMap, ns, "a", Patch.Merge(new JsonObject { ["data"] = new JsonObject { ["x"] = "1" } }), null, None);
        await client.CreateAsync(Kinds.ConfigMap, A.ConfigMap("other").In(ns), None);
        await client.PatchAsync(Kinds.ConfigMap, ns, "a", Patch.Merge(new JsonObject { ["metadata"] = new JsonObject { ["labels"] = new JsonObject { ["w"] = "2" } } }), null, None);
        await client.PatchAsync(Kinds.ConfigMap, ns, "other", Patch.Merge(new JsonObject { ["metadata"] = new JsonObject { ["labels"] = new JsonObject { ["w"] = "1" } } }), null, None);
        await client.DeleteAsync(Kinds.ConfigMap, ns, "other", new DeleteOptions(), None);
        var seen = new List<string>();
        while (seen.Count < 5)
        {
            if (watch.TryRead(out var change) && change.Type != WatchEventType.Bookmark) seen.Add($"{change.Type} {change.Object.Meta.Name}");
            else if (!watch.Ended) await watch.WaitAsync(None).AsTask().WaitAsync(TimeSpan.FromSeconds(20));
            else break;
        }

        Assert.Equal(["Added a", "Modified a", "Deleted a", "Added other", "Deleted other"], seen);
    }

    [Theory]
    [MemberData(nameof(Targets))]
    public async Task The_status_of_a_pod_is_written_apart_and_its_conditions_merge(string name)
    {
        await using var target = await Target.OpenAsync(name);
        var ns = await NamespaceAsync(target);
        await ServiceAccountAsync(target, ns);
        await target.Client.CreateAsync(Kinds.Pod, A.Pod("p").In(ns).With("spec.automountServiceAccountToken", JsonValue.Create(false)), None);
        JsonObject Status(string type, string status) => new()
        {
            ["status"] = new JsonObject { ["conditions"] = new JsonArray(new JsonObject { ["type"] = type, ["status"] = status }) },
        };
        await target.Client.PatchAsync(Kinds.Pod, ns, "p", Patch.Strategic(Status("Ready", "False")), "status", None);
        await target.Client.PatchAsync(Kinds.Pod, ns, "p", Patch.Strategic(Status("Initialized", "True")), "status", None);
        var patched = await target.Client.PatchAsync(Kinds.Pod, ns, "p", Patch.Strategic(Status("Ready", "True")), "status", None);
        Assert.True(Conditions.IsTrue(patched.Root.At("status"), "Ready"));
        Assert.True(Conditions.IsTrue(patched.Root.At("status"), "Initialized"));
        var phase = Patch.Merge(new JsonObject { ["status"] = new JsonObject { ["phase"] = "Running" }, ["metadata"] = new JsonObject { ["labels"] = new JsonObject { ["s"] = "1" } } });
        var apart = await target.Client.PatchAsync(Kinds.Pod, ns, "p", phase, null, None);
        Assert.Equal("Pending", apart.Root.Text("status", "phase"));
    }

    [Theory]
    [MemberData(nameof(Targets))]
    public async Task Strategic_patches_do_on_the_server_what_they_do_here(string name)
    {
        await using var target = await Target.OpenAsync(name);
        var ns = await NamespaceAsync(target);
        const string spec = """
            {"serviceName":"s","selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{
              "containers":[{"name":"one","image":"i","env":[{"name":"A","value":"1"},{"name":"B","value":"1"}],"command":["x","y"]},{"name":"two","image":"i"},{"name":"three","image":"i"}],
              "volumes":[{"name":"v","emptyDir":{}},{"name":"w","emptyDir":{}}],"tolerations":[{"key":"k","operator":"Exists"}],"nodeSelector":{"x":"1"}}}}
            """;
        string[] patches =
        [
            """{"spec":{"template":{"spec":{"containers":[{"name":"one","image":"j"}]}}}}""",
            """{"spec":{"template":{"spec":{"containers":[{"name":"one","env":[{"name":"B","value":"2"},{"name":"C","value":"3"}],"command":["z"]}]}}}}""",
            """{"spec":{"template":{"spec":{"containers":[{"name":"two","$patch":"delete"}]}}}}""",
            """{"spec":{"template":{"spec":{"$setElementOrder/containers":[{"name":"three"},{"name":"one"}],"containers":[{"name":"three","image":"k"}]}}}}""",
            """{"spec":{"template":{"spec":{"$setElementOrder/containers":[{"name":"three"},{"name":"two"},{"name":"one"}]}}}}""",
            """{"spec":{"template":{"spec":{"volumes":[{"name":"v","emptyDir":null,"hostPath":{"path":"/x"}}]}}}}""",
            """{"spec":{"template":{"spec":{"volumes":[{"$retainKeys":["name","hostPath"],"name":"v","hostPath":{"path":"/y"}}]}}}}""",
            """{"spec":{"template":{"spec":{"tolerations":[{"key":"l","operator":"Exists"}],"nodeSelector":{"y":"2"}}}}}""",
            """{"spec":{"template":{"spec":{"nodeSelector":{"$patch":"replace","z":"3"}}}}}""",
            """{"spec":{"template":{"spec":{"nodeSelector":{"x":null}}}}}""",
            """{"metadata":{"finalizers":["example.com/a","example.com/b"],"labels":{"l":"1"}}}""",
            """{"metadata":{"$deleteFromPrimitiveList/finalizers":["example.com/a"],"labels":{"l":null}}}""",
        ];
        for (var i = 0; i < patches.Length; i++)
        {
            var made = await target.Client.CreateAsync(Kinds.StatefulSet, A.Object(Kinds.StatefulSet, $"s{i}").In(ns).With("spec", spec).With("metadata.finalizers", """["example.com/a"]"""), None);
            var patch = (JsonObject)JsonNode.Parse(patches[i])!;
            var ours = StrategicMergePatch.Apply(made.ToTree(), patch, Kinds.StatefulSet);
            var theirs = await target.Client.PatchAsync(Kinds.StatefulSet, ns, $"s{i}", Patch.Strategic(patch), null, None);
            AssertPart(ours["spec"], theirs.ToTree()["spec"], $"{patches[i]}: spec");
            AssertPart(ours["metadata"]!["finalizers"], theirs.ToTree()["metadata"]!["finalizers"], $"{patches[i]}: finalizers");
            AssertPart(ours["metadata"]!["labels"] ?? new JsonObject(), theirs.ToTree()["metadata"]!["labels"] ?? new JsonObject(), $"{patches[i]}: labels");
            await target.Client.PatchAsync(Kinds.StatefulSet, ns, $"s{i}", Patch.Merge(new JsonObject { ["metadata"] = new JsonObject { ["finalizers"] = null } }), null, None);
            await target.Client.DeleteAsync(Kinds.StatefulSet, ns, $"s{i}", new DeleteOptions(), None);
        }
    }

    [Theory]
    [MemberData(nameof(Targets))]
    public async Task Quantities_mean_to_the_server_what_they_mean_here(string name)
    {
        await using var target = await Target.OpenAsync(name);
        var ns = await NamespaceAsync(target);
        string[] quantities =
        [
            "1000m", "1.5Gi", "0.5", "1024Ki", "1e3", "1e4", "10e2", "1.5e3", "1000e0", ".5", "1025", "2048", "1500m", "0", "999999999999Ki",
            "1000", "100000", "0.001k", "100e-3", "1023Ki", "1Ki",
        ];
        var max = new JsonObject();
        for (var i = 0; i < quantities.Length; i++) max[$"example.com/r{i}"] = quantities[i];
        var range = new ResourceKind("", "v1", "LimitRange", "limitranges");
        var made = await target.Client.CreateAsync(
            range, A.Object(range, "r").In(ns).With("spec.limits", new JsonArray(new JsonObject { ["type"] = "example.com/thing", ["max"] = max })), None);
        var stored = made.Root.At("spec", "limits")[0].At("max");
        for (var i = 0; i < quantities.Length; i++)
        {
            var (ours, theirs) = (Quantity.Parse(quantities[i]), stored.Text($"example.com/r{i}")!);
            Assert.Equal(ours, Quantity.Parse(theirs));
            Assert.Equal((quantities[i], ours.ToString()), (quantities[i], theirs));
        }
    }

    [Theory]
    [MemberData(nameof(Targets))]
    public async Task A_reflector_keeps_its_store_equal_to_the_server_through_lost_connections(string name)
    {
        await using var target = await Target.OpenAsync(name);
        var random = new Random(7);
        // Every tenth event the stream is cut before it, every tenth request is refused.
        using var watched = target.OpenClient(inner => new FaultInjectingHandler(inner, TimeProvider.System)
        {
            OnWatchEvent = (_, _) => random.Next(10) == 0 ? new WatchFault.Cut() : null,
            OnRequest = _ => random.Next(10) == 0 ? new Fault.Refuse(new ApiStatus(503, ApiReason.ServiceUnavailable, "test")) : null,
        });
        var ns = await NamespaceAsync(target);
        var store = new Store<KubeObject>(static o => o);
        var failures = 0;
        var options = new ReflectorOptions("r") { PageSize = 3, Backoff = new Backoff(TimeSpan.FromMilliseconds(20), TimeSpan.FromMilliseconds(50)), OnFailure = (_, _) => failures++ };
        await using var reflector = new Reflector<KubeObject>(watched, Kinds.ConfigMap, ns, store, options, TimeProvider.System, new Random(1));
        var choice = new Random(11);

        using var end = new CancellationTokenSource();
        var running = LoopRunner.RunAsync(reflector, end.Token);
        var names = new SortedSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < 120; i++)
        {
            var pick = $"c{choice.Next(15)}";
            if (names.Add(pick)) await target.Client.CreateAsync(Kinds.ConfigMap, A.ConfigMap(pick).In(ns).Label("r", "1"), None);
            else if (choice.Next(2) == 0)
            {
                await target.Client.DeleteAsync(Kinds.ConfigMap, ns, pick, new DeleteOptions(), None);
                names.Remove(pick);
            }
            else await target.Client.PatchAsync(Kinds.ConfigMap, ns, pick, Patch.Merge(new JsonObject { ["data"] = new JsonObject { ["n"] = $"{i}" } }), null, None);
        }

        var wanted = (await target.Client.ListAsync(Kinds.ConfigMap, ns, new ListOptions("r"), None)).Items.Select(static o => $"{o.Meta.Name}@{o.Meta.ResourceVersion}").ToList();
        List<string> Held() => [.. store.Snapshot.Values.Select(static o => $"{o.Meta.Name}@{o.Meta.ResourceVersion}")];
        for (var tries = 0; tries < 200 && !Held().SequenceEqual(wanted); tries++) await Task.Delay(100, TestContext.Current.CancellationToken);
        Assert.Equal(wanted, Held());
        Assert.True(failures > 0);
        await end.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await running;
            end.Token.ThrowIfCancellationRequested();
        });
    }

    /// <summary>A fresh namespace, so that runs do not meet.</summary>
    private static async Task<string> NamespaceAsync(Target target)
    {
        var made = KubeObject.Parse("""{"apiVersion":"v1","kind":"Namespace","metadata":{"generateName":"conformance-"}}""");
        return (await target.Client.CreateAsync(Kinds.Namespace, made, None)).Meta.Name;
    }

    /// <summary>A real server admits pods only where there is an account for them; its controllers make one, sooner or later.</summary>
    private static async Task ServiceAccountAsync(Target target, string ns)
    {
        try
        {
            await target.Client.CreateAsync(Kinds.ServiceAccount, A.Object(Kinds.ServiceAccount, "default").In(ns), None);
        }
        catch (ApiException present) when (present.IsAlreadyExists)
        {
            // The controllers were faster.
        }
    }

    private static async Task<ApiException> Refused(Func<Task> request) => await Assert.ThrowsAsync<ApiException>(request);

    /// <summary>
    /// Everything of ours is in theirs; theirs may hold defaults besides, and leaves out what is empty. Lists have the same items in
    /// the same order.
    /// </summary>
    private static void AssertPart(JsonNode? ours, JsonNode? theirs, string where)
    {
        switch (ours)
        {
            case JsonObject { Count: 0 } or JsonArray { Count: 0 } when theirs is null:
                break;
            case JsonObject members:
                Assert.True(theirs is JsonObject, $"{where}: theirs is {theirs?.ToJsonString() ?? "null"}");
                foreach (var (member, value) in members) AssertPart(value, theirs![member], $"{where}.{member}");
                break;
            case JsonArray items:
                Assert.True(theirs is JsonArray, $"{where}: theirs is {theirs?.ToJsonString() ?? "null"}");
                Assert.True(items.Count == ((JsonArray)theirs!).Count, $"{where}: theirs is {theirs.ToJsonString()}, ours {items.ToJsonString()}");
                for (var i = 0; i < items.Count; i++) AssertPart(items[i], theirs[i], $"{where}[{i}]");
                break;
            default:
                Assert.True(JsonNode.DeepEquals(ours, theirs), $"{where}: theirs is {theirs?.ToJsonString() ?? "null"}, ours {ours?.ToJsonString() ?? "null"}");
                break;
        }
    }
}
