using System.Text.Json.Nodes;
using Kube.Client;
using Kube.Types;

namespace Conformance;

/// <summary>What a kube-apiserver does that kubectl does not show, asked over the wire of every server.</summary>
public sealed class ProtocolTests
{
    private const string Table = "application/json;as=Table;v=v1;g=meta.k8s.io";

    public static TheoryData<string> Targets => Target.All;

    [Theory]
    [MemberData(nameof(Targets))]
    public async Task A_list_can_be_asked_for_as_it_was(string name)
    {
        await using var target = await Target.OpenAsync(name);
        using var wire = target.OpenWire();
        var maps = await ConfigMapsAsync(target, "a", "b");
        var before = (await wire.GetAsync($"{maps}?labelSelector=mine")).Gave(200).At("metadata", "resourceVersion");
        await MakeAsync(wire, maps, "c");
        Assert.Equal(["a", "b"], (await wire.GetAsync($"{maps}?labelSelector=mine&resourceVersion={before}&resourceVersionMatch=Exact")).Gave(200).Names);
        Assert.Equal(["a", "b", "c"], (await wire.GetAsync($"{maps}?labelSelector=mine&resourceVersion={before}&resourceVersionMatch=NotOlderThan")).Gave(200).Names);
        Assert.Equal("a", (await wire.GetAsync($"{maps}?labelSelector=mine&resourceVersion={before}&resourceVersionMatch=Exact&limit=1")).Gave(200).Names.Single());
        Assert.EndsWith("resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"", (await wire.GetAsync($"{maps}?resourceVersion=0&resourceVersionMatch=Exact")).Gave(422).At("message"));
        (await wire.GetAsync($"{maps}?resourceVersionMatch=NotOlderThan")).Gave(422);
        var future = (await wire.GetAsync($"{maps}?resourceVersion=999999999&resourceVersionMatch=NotOlderThan")).Gave(504);
        Assert.Equal(("Timeout", "ResourceVersionTooLarge"), (future.At("reason"), future.At("details", "causes", "0", "reason")));
    }

    [Theory]
    [MemberData(nameof(Targets))]
    public async Task Pages_say_how_much_is_left_and_belong_to_one_state(string name)
    {
        await using var target = await Target.OpenAsync(name);
        using var wire = target.OpenWire();
        var maps = await ConfigMapsAsync(target, "a", "b", "c");
        // What a selector leaves out is not counted, so that a filtered list says nothing about the rest.
        var first = (await wire.GetAsync($"{maps}?limit=1")).Gave(200);
        Assert.NotNull(first.At("metadata", "remainingItemCount"));
        var selected = (await wire.GetAsync($"{maps}?limit=1&labelSelector=mine")).Gave(200);
        Assert.Null(selected.At("metadata", "remainingItemCount"));
        await wire.DeleteAsync($"{maps}/c");
        var rest = (await wire.GetAsync($"{maps}?limit=5&labelSelector=mine&continue={Uri.EscapeDataString(selected.At("metadata", "continue")!)}")).Gave(200);
        Assert.Equal(["b", "c"], rest.Names);
        Assert.Equal(selected.At("metadata", "resourceVersion"), rest.At("metadata", "resourceVersion"));
        Assert.Equal("BadRequest", (await wire.GetAsync($"{maps}?limit=1&continue=nonsense")).Gave(400).At("reason"));
    }

    [Theory]
    [MemberData(nameof(Targets))]
    public async Task A_streamed_list_ends_its_first_part_with_a_marked_bookmark(string name)
    {
        await using var target = await Target.OpenAsync(name);
        using var wire = target.OpenWire();
        var maps = await ConfigMapsAsync(target, "a", "b");
        var events = await wire.WatchAsync($"{maps}?watch=true&labelSelector=mine&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&timeoutSeconds=2");
        Assert.Equal(["ADDED", "ADDED", "BOOKMARK"], events.Take(3).Select(static e => (string)e["type"]!));
        var mark = events[2]["object"]!;
        Assert.Equal("true", (string?)mark["metadata"]!["annotations"]!["k8s.io/initial-events-end"]);
        Assert.Equal("ConfigMap", (string?)mark["kind"]);
        Assert.NotEqual("", (string?)mark["metadata"]!["resourceVersion"]);
        Assert.Null(mark["data"]);
        (await wire.GetAsync($"{maps}?watch=true&sendInitialEvents=true&timeoutSeconds=1")).Gave(422);
    }

    [Theory]
    [MemberData(nameof(Targets))]
    public async Task A_watch_goes_on_from_where_a_list_ended(string name)
    {
        await using var target = await Target.OpenAsync(name);
        using var wire = target.OpenWire();
        var maps = await ConfigMapsAsync(target, "a");
        var revision = (await wire.GetAsync(maps)).At("metadata", "resourceVersion");
        await MakeAsync(wire, maps, "b");
        await wire.MergeAsync($"{maps}/a", """{"metadata":{"labels":{"mine":null}}}""");
        await wire.DeleteAsync($"{maps}/b");
        var events = await wire.WatchAsync($"{maps}?watch=true&labelSelector=mine&resourceVersion={revision}&timeoutSeconds=1");
        Assert.Equal(["ADDED b", "DELETED a", "DELETED b"], events.Select(static e => $"{e["type"]} {e["object"]!["metadata"]!["name"]}"));
    }

    [Theory]
    [MemberData(nameof(Targets))]
    public async Task Preconditions_guard_what_is_deleted_and_replaced(string name)
    {
        await using var target = await Target.OpenAsync(name);
        using var wire = target.OpenWire();
        var maps = await ConfigMapsAsync(target, "a");
        var (uid, revision) = await IdentityAsync(wire, $"{maps}/a");
        (await wire.DeleteAsync($"{maps}/a", """{"preconditions":{"uid":"00000000-0000-0000-0000-000000000000"}}""")).Gave(409);
        (await wire.DeleteAsync($"{maps}/a", """{"preconditions":{"resourceVersion":"1"}}""")).Gave(409);
        (await wire.PutAsync($"{maps}/a", """{"metadata":{"name":"a","resourceVersion":"1"}}""")).Gave(409);
        (await wire.PutAsync($"{maps}/a", """{"metadata":{"name":"b"}}""")).Gave(400);
        (await wire.MergeAsync($"{maps}/a", """{"metadata":{"resourceVersion":"1"}}""")).Gave(409);
        var gone = (await wire.DeleteAsync($"{maps}/a", $$$"""{"preconditions":{"uid":"{{{uid}}}","resourceVersion":"{{{revision}}}"}}""")).Gave(200);
        Assert.Equal(("Success", uid), (gone.At("status"), gone.At("details", "uid")));
        (await wire.DeleteAsync($"{maps}/a")).Gave(404);
    }

    [Theory]
    [MemberData(nameof(Targets))]
    public async Task A_dry_run_answers_as_if_and_changes_nothing(string name)
    {
        await using var target = await Target.OpenAsync(name);
        using var wire = target.OpenWire();
        var maps = await ConfigMapsAsync(target, "a");
        var before = await IdentityAsync(wire, $"{maps}/a");
        Assert.NotNull((await wire.PostAsync($"{maps}?dryRun=All", """{"metadata":{"generateName":"x-"}}""")).Gave(201).At("metadata", "uid"));
        Assert.Equal("1", (await wire.MergeAsync($"{maps}/a?dryRun=All", """{"data":{"k":"1"}}""")).Gave(200).At("data", "k"));
        (await wire.DeleteAsync($"{maps}/a?dryRun=All")).Gave(200);
        (await wire.DeleteAsync($"{maps}?dryRun=All&labelSelector=mine")).Gave(200);
        (await wire.PostAsync($"{maps}?dryRun=All", """{"metadata":{"name":"a"}}""")).Gave(409);
        Assert.Equal("b", (await wire.DeleteAsync($"{maps}/b?dryRun=All")).Gave(404).At("details", "name"));
        Assert.Equal(before, await IdentityAsync(wire, $"{maps}/a"));
        Assert.Equal("a", (await wire.GetAsync($"{maps}?labelSelector=mine")).Names.Single());
    }

    [Theory]
    [MemberData(nameof(Targets))]
    public async Task Parameters_of_a_write_that_say_nothing_known_are_refused_all_at_once(string name)
    {
        await using var target = await Target.OpenAsync(name);
        using var wire = target.OpenWire();
        var maps = await ConfigMapsAsync(target, "a");
        const string DryRun = "dryRun: Unsupported value: [\"Some\"]: supported values: \"All\"";
        const string Validation = "fieldValidation: Unsupported value: \"Most\": supported values: \"\", \"Ignore\", \"Strict\", \"Warn\"";
        const string Named = """{"metadata":{"name":"a"}}""";
        Refused(await wire.PostAsync($"{maps}?dryRun=Some", Named), $"CreateOptions.meta.k8s.io \"\" is invalid: {DryRun}");
        Refused(await wire.PutAsync($"{maps}/a?dryRun=Some&fieldValidation=Most", Named), $"UpdateOptions.meta.k8s.io \"\" is invalid: [{DryRun}, {Validation}]");
        Refused(await wire.MergeAsync($"{maps}/a?force=true&dryRun=Some", "{}"), $"PatchOptions.meta.k8s.io \"\" is invalid: [force: Forbidden: may not be specified for non-apply patch, {DryRun}]");
        Refused(await wire.DeleteAsync($"{maps}/a?dryRun=Some"), $"DeleteOptions.meta.k8s.io \"\" is invalid: {DryRun}");
        Refused(await wire.DeleteAsync($"{maps}/a", """{"dryRun":["Some"],"propagationPolicy":"Sideways"}"""),
            $"DeleteOptions.meta.k8s.io \"\" is invalid: [propagationPolicy: Unsupported value: \"Sideways\": supported values: \"Foreground\", \"Background\", \"Orphan\", \"nil\", {DryRun}]");
        Refused(await wire.DeleteAsync($"{maps}/a", """{"orphanDependents":true,"propagationPolicy":"Orphan"}"""),
            "DeleteOptions.meta.k8s.io \"\" is invalid: propagationPolicy: Invalid value: \"Orphan\": orphanDependents and deletionPropagation cannot be both set");
        (await wire.GetAsync($"{maps}/a")).Gave(200);

        static void Refused(Answer answer, string message) => Assert.Equal(("Invalid", message), (answer.Gave(422).At("reason"), answer.At("message")));
    }

    [Theory]
    [MemberData(nameof(Targets))]
    public async Task A_collection_is_deleted_by_selector_and_shown(string name)
    {
        await using var target = await Target.OpenAsync(name);
        using var wire = target.OpenWire();
        var maps = await ConfigMapsAsync(target, "a", "b", "c");
        await wire.MergeAsync($"{maps}/b", """{"metadata":{"labels":{"mine":"other"},"finalizers":["example.com/hold"]}}""");
        Assert.Equal(["a", "c"], (await wire.DeleteAsync($"{maps}?labelSelector=mine%3Dyes")).Gave(200).Names);
        await wire.DeleteAsync($"{maps}?labelSelector=mine");
        var held = (await wire.GetAsync($"{maps}/b")).Gave(200);
        Assert.NotNull(held.At("metadata", "deletionTimestamp"));
        await wire.MergeAsync($"{maps}/b", """{"metadata":{"finalizers":null}}""");
        (await wire.GetAsync($"{maps}/b")).Gave(404);
    }

    [Theory]
    [MemberData(nameof(Targets))]
    public async Task Foreground_and_orphaning_deletions_leave_the_collector_its_finalizers(string name)
    {
        await using var target = await Target.OpenAsync(name);
        using var wire = target.OpenWire();
        var maps = await ConfigMapsAsync(target, "a", "b");
        // A finalizer of its own holds each, whoever collects here.
        foreach (var (map, policy, finalizer) in new[] { ("a", "Foreground", "foregroundDeletion"), ("b", "Orphan", "orphan") })
        {
            await wire.MergeAsync($"{maps}/{map}", """{"metadata":{"finalizers":["example.com/hold"]}}""");
            var marked = (await wire.DeleteAsync($"{maps}/{map}", $$"""{"propagationPolicy":"{{policy}}"}""")).Gave(200);
            Assert.Contains(finalizer, marked.At("metadata", "finalizers"));
            Assert.Equal("0", marked.At("metadata", "deletionGracePeriodSeconds"));
            await wire.MergeAsync($"{maps}/{map}", """{"metadata":{"finalizers":null}}""");
            (await wire.GetAsync($"{maps}/{map}")).Gave(404);
        }

        (await wire.DeleteAsync($"{maps}/c", """{"propagationPolicy":"Sideways"}""")).Gave(422);
    }

    [Theory]
    [MemberData(nameof(Targets))]
    public async Task Names_are_generated_from_a_start(string name)
    {
        await using var target = await Target.OpenAsync(name);
        using var wire = target.OpenWire();
        var maps = await ConfigMapsAsync(target);
        Assert.Matches("^run-[bcdfghjklmnpqrstvwxz2456789]{5}$", (await wire.PostAsync(maps, """{"metadata":{"generateName":"run-"}}""")).Gave(201).At("metadata", "name"));
        var longest = (await wire.PostAsync(maps, $$$"""{"metadata":{"generateName":"{{{new string('x', 80)}}}"}}""")).Gave(201).At("metadata", "name")!;
        Assert.Equal(63, longest.Length);
        Assert.Equal("given", (await wire.PostAsync(maps, """{"metadata":{"generateName":"run-","name":"given"}}""")).Gave(201).At("metadata", "name"));
        (await wire.PostAsync(maps, """{"metadata":{}}""")).Gave(422);
    }

    [Theory]
    [MemberData(nameof(Targets))]
    public async Task Objects_come_as_tables_and_as_metadata_alone(string name)
    {
        await using var target = await Target.OpenAsync(name);
        using var wire = target.OpenWire();
        var maps = await ConfigMapsAsync(target, "a");
        var table = (await wire.GetAsync($"{maps}?labelSelector=mine", Table)).Gave(200);
        Assert.Equal(("Table", "meta.k8s.io/v1"), (table.At("kind"), table.At("apiVersion")));
        Assert.Equal(["Name", "Data", "Age"], table.Body["columnDefinitions"]!.AsArray().Select(static c => (string)c!["name"]!));
        Assert.Equal(("a", "PartialObjectMetadata"), (table.At("rows", "0", "cells", "0"), table.At("rows", "0", "object", "kind")));
        Assert.Null((await wire.GetAsync($"{maps}?labelSelector=mine&includeObject=None", Table)).At("rows", "0", "object"));
        Assert.Equal("ConfigMap", (await wire.GetAsync($"{maps}?labelSelector=mine&includeObject=Object", Table)).At("rows", "0", "object", "kind"));
        var partial = (await wire.GetAsync($"{maps}/a", "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io")).Gave(200);
        Assert.Equal(("PartialObjectMetadata", null), (partial.At("kind"), partial.At("data")));
        Assert.Equal("PartialObjectMetadataList", (await wire.GetAsync(maps, "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io")).Gave(200).At("kind"));
        // The first that can be served is taken; none is 406.
        Assert.Equal("ConfigMapList", (await wire.GetAsync(maps, "text/csv,application/json")).Gave(200).At("kind"));
        (await wire.GetAsync(maps, "text/csv")).Gave(406);
    }

    [Theory]
    [MemberData(nameof(Targets))]
    public async Task Versions_without_a_converter_differ_in_nothing_but_their_name(string name)
    {
        await using var target = await Target.OpenAsync(name);
        using var wire = target.OpenWire();
        var things = await DefineAsync(target, wire, """{"type":"object","properties":{"spec":{"type":"object","properties":{"size":{"type":"integer"}}},"status":{"type":"object","properties":{"size":{"type":"integer"}}}}}""");
        try
        {
            var made = (await wire.PostAsync(things, """{"SET","metadata":{"name":"t","generation":7},"spec":{"size":1},"status":{"size":1}}""".Replace("\"SET\"", Type(things)))).Gave(201);
            Assert.Equal(("1", null), (made.At("metadata", "generation"), made.At("status")));
            var older = (await wire.GetAsync($"{things.Replace("/v1/", "/v1beta1/")}/t")).Gave(200);
            Assert.EndsWith("/v1beta1", older.At("apiVersion"));
            Assert.Equal(made.At("metadata", "uid"), older.At("metadata", "uid"));
            var status = (await wire.MergeAsync($"{things}/t/status", """{"spec":{"size":5},"status":{"size":2}}""")).Gave(200);
            Assert.Equal(("1", "2", "1"), (status.At("spec", "size"), status.At("status", "size"), status.At("metadata", "generation")));
            Assert.Equal("2", (await wire.MergeAsync($"{things}/t", """{"spec":{"size":6},"status":{"size":9}}""")).Gave(200).At("metadata", "generation"));
            Assert.Equal("2", (await wire.GetAsync($"{things}/t")).At("status", "size"));
            var table = (await wire.GetAsync(things, Table)).Gave(200);
            Assert.Equal(["Name", "Size", "Age"], table.Body["columnDefinitions"]!.AsArray().Select(static c => (string)c!["name"]!));
            Assert.Equal("6", table.At("rows", "0", "cells", "1"));
        }
        finally
        {
            await UndefineAsync(wire, things);
        }
    }

    [Theory]
    [MemberData(nameof(Targets))]
    public async Task Custom_resources_are_defaulted_pruned_and_checked_by_their_schema(string name)
    {
        await using var target = await Target.OpenAsync(name);
        using var wire = target.OpenWire();
        var things = await DefineAsync(target, wire, """
            {"type":"object","properties":{"spec":{"type":"object","default":{},"properties":{
              "size":{"type":"integer","default":3,"maximum":9},
              "port":{"x-kubernetes-int-or-string":true},
              "note":{"type":"string","nullable":true,"default":"none"},
              "tags":{"type":"array","items":{"type":"string"},"x-kubernetes-list-type":"set"},
              "parts":{"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["name"],"items":{"type":"object","required":["name"],"properties":{"name":{"type":"string"}}}},
              "open":{"type":"object","x-kubernetes-preserve-unknown-fields":true},
              "min":{"type":"integer"}},
              "x-kubernetes-validations":[{"rule":"!has(self.min) || self.min <= self.size","message":"min is above size"}]}}}
            """);
        try
        {
            var made = (await wire.PostAsync(things, """{"SET","metadata":{"name":"t"},"spec":{"port":"http","note":null,"unknown":1,"open":{"x":{"y":1}}}}""".Replace("\"SET\"", Type(things)))).Gave(201);
            Assert.True(JsonNode.DeepEquals(JsonNode.Parse("""{"size":3,"port":"http","note":null,"open":{"x":{"y":1}}}"""), made.Body["spec"]), made.Text);
            Assert.Contains("unknown field \\\"spec.unknown\\\"", made.Warnings);
            Assert.Equal("3", (await wire.PostAsync(things, """{"SET","metadata":{"name":"bare"}}""".Replace("\"SET\"", Type(things)))).Gave(201).At("spec", "size"));
            await RefusedAsync("""{"size":10}""", "spec.size: Invalid value: 10: spec.size in body should be less than or equal to 9");
            await RefusedAsync("""{"size":"big"}""", "spec.size: Invalid value: \"string\": spec.size in body must be of type integer: \"string\"");
            await RefusedAsync("""{"port":true}""", "spec.port");
            await RefusedAsync("""{"tags":["a","a"]}""", "spec.tags[1]: Duplicate value: \"a\"");
            await RefusedAsync("""{"parts":[{"name":"a"},{"name":"a"}]}""", "spec.parts[1]: Duplicate value: {\"name\":\"a\"}");
            await RefusedAsync("""{"min":4}""", "min is above size");
            (await wire.MergeAsync($"{things}/t", """{"spec":{"min":3}}""")).Gave(200);
        }
        finally
        {
            await UndefineAsync(wire, things);
        }

        async Task RefusedAsync(string spec, string words) => Assert.Contains(words, (await wire.MergeAsync($"{things}/t", "{\"spec\":" + spec + "}")).Gave(422).At("message"));
    }

    /// <returns>The path of the ConfigMaps of a fresh namespace, in which the named ones are labelled <c>mine=yes</c>.</returns>
    private static async Task<string> ConfigMapsAsync(Target target, params string[] names)
    {
        var ns = await NamespaceAsync(target);
        using var wire = target.OpenWire();
        var path = $"/api/v1/namespaces/{ns}/configmaps";
        foreach (var name in names) await MakeAsync(wire, path, name);
        return path;
    }

    private static async Task MakeAsync(Wire wire, string path, string name) => (await wire.PostAsync(path, $$$$"""{"metadata":{"name":"{{{{name}}}}","labels":{"mine":"yes"}}}""")).Gave(201);

    private static async Task<(string? Uid, string? Revision)> IdentityAsync(Wire wire, string path)
    {
        var found = (await wire.GetAsync(path)).Gave(200);
        return (found.At("metadata", "uid"), found.At("metadata", "resourceVersion"));
    }

    private static async Task<string> NamespaceAsync(Target target)
    {
        var made = KubeObject.Parse("""{"apiVersion":"v1","kind":"Namespace","metadata":{"generateName":"conformance-"}}""");
        return (await target.Client.CreateAsync(Kinds.Namespace, made, CancellationToken.None)).Meta.Name;
    }

    /// <summary>Defines a kind of the test's own in a group of its own, in two versions of one schema.</summary>
    /// <returns>The path of its objects, once they are served.</returns>
    private static async Task<string> DefineAsync(Target target, Wire wire, string schema)
    {
        var ns = await NamespaceAsync(target);
        var group = $"{ns}.example.com";
        string Version(string name, bool storage) => $$$"""
            {"name":"{{{name}}}","served":true,"storage":{{{(storage ? "true" : "false")}}},"subresources":{"status":{}},"schema":{"openAPIV3Schema":{{{schema}}}},
             "additionalPrinterColumns":[{"name":"Size","type":"integer","jsonPath":".spec.size"},{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}]}
            """;
        (await wire.PostAsync("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", $$$"""
            {"metadata":{"name":"things.{{{group}}}"},"spec":{"group":"{{{group}}}","scope":"Namespaced","names":{"kind":"Thing","plural":"things"},
             "versions":[{{{Version("v1", storage: true)}}},{{{Version("v1beta1", storage: false)}}}]}}
            """)).Gave(201);
        var path = $"/apis/{group}/v1/namespaces/{ns}/things";
        for (var tries = 0; tries < 100 && (await wire.GetAsync(path)).Code != 200; tries++) await Task.Delay(100, TestContext.Current.CancellationToken);
        (await wire.GetAsync(path)).Gave(200);
        return path;
    }

    private static async Task UndefineAsync(Wire wire, string path) => await wire.DeleteAsync($"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/things.{path.Split('/')[2]}");

    /// <summary>The type members of an object; the server of custom resources wants them said.</summary>
    private static string Type(string path) => $"\"apiVersion\":\"{path.Split('/')[2]}/v1\",\"kind\":\"Thing\"";
}
