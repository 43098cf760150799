using System.Text.Json;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Mpi.Dialects.Tests;

/// <summary>Whatever a job holds, each of its versions can be turned into each other and back.</summary>
public sealed class ConversionPropertyTests
{
    private static readonly int Runs = int.TryParse(Environment.GetEnvironmentVariable("KUBEMPI_PROPERTY_RUNS"), out var runs) ? runs : 2_000;

    [Fact]
    public void A_job_of_an_old_version_comes_back_from_the_stored_one_as_it_was() => ForEach(JobGenerator.OldVersions, OldComesBack);

    [Fact]
    public void A_stored_job_comes_back_from_every_old_version_as_it_was() => ForEach([JobGenerator.Hub], StoredComesBack);

    [Fact]
    public void Converting_to_and_fro_settles_at_once() => ForEach([.. JobGenerator.OldVersions, JobGenerator.Hub], (job, version, random) =>
    {
        var other = version == JobGenerator.Hub ? JobGenerator.OldVersions[random.Next(3)] : JobGenerator.Hub;
        var there = Convert(job, other);
        var back = Convert(there, version);
        AssertSame(there, Convert(back, other));
        AssertSame(back, Convert(Convert(back, other), version));
        AssertSame(there, Convert(job, other));
    });

    [Fact]
    public void From_one_old_version_to_another_and_back_nothing_is_lost() => ForEach(JobGenerator.OldVersions, OtherComesBack);

    [Fact]
    public void What_was_edited_in_one_version_is_edited_in_the_other() => ForEach(JobGenerator.OldVersions, EditedComesBack);

    /// <summary>Found beyond the seeds that are usually run: a template of 200 KiB that the other version has no place for at all.</summary>
    [Theory]
    [InlineData(4910)]
    [InlineData(7909)]
    [InlineData(9269)]
    [InlineData(14649)]
    public void What_is_too_much_for_an_annotation_is_lost_and_said(int seed)
    {
        Try(JobGenerator.OldVersions, OldComesBack, seed);
        Try([JobGenerator.Hub], StoredComesBack, seed);
        Try(JobGenerator.OldVersions, OtherComesBack, seed);
        Try(JobGenerator.OldVersions, EditedComesBack, seed);
    }

    private static void OldComesBack(JsonObject job, string version, Random random)
    {
        var hub = Convert(job, JobGenerator.Hub);
        AssertComesBack(job, hub, version);
        AssertMetadataStays(job, hub);
        AssertFits(hub);
    }

    private static void StoredComesBack(JsonObject job, string version, Random random)
    {
        var old = Convert(job, JobGenerator.OldVersions[random.Next(3)]);
        AssertComesBack(job, old, version);
        AssertMetadataStays(job, old);
    }

    private static void OtherComesBack(JsonObject job, string version, Random random) => AssertComesBack(job, Convert(job, JobGenerator.OldVersions[random.Next(3)]), version);

    private static void EditedComesBack(JsonObject job, string version, Random random)
    {
        // Edited as stored, by a quota manager, an autoscaler or the operator, then read and written back in the old version.
        var hub = Convert(job, JobGenerator.Hub);
        if (hub["spec"] is JsonObject spec)
        {
            switch (random.Next(4))
            {
                case 0: spec.Object("runPolicy")["suspend"] = random.Next(2) == 0; break;
                case 1: spec.Object("mpiReplicaSpecs").Object("Worker")["replicas"] = random.Next(1, 9); break;
                case 2: spec["mpiImplementation"] = "MPICH"; break;
                default: hub["status"] = new JsonObject { ["conditions"] = new JsonArray(new JsonObject { ["type"] = "Succeeded", ["status"] = "True" }), ["completionTime"] = "2021-01-01T00:00:00Z" }; break;
            }
        }

        AssertComesBack(hub, Convert(hub, version), JobGenerator.Hub);
        AssertComesBack(hub, Convert(hub, JobGenerator.OldVersions[random.Next(3)]), JobGenerator.Hub);
    }

    /// <summary>Whole, or with a word on what is lost; and lost is only what an annotation could not hold.</summary>
    private static void AssertComesBack(JsonObject job, JsonObject there, string version)
    {
        var back = Convert(there, version);
        if (Lost(there) != Lost(job) || Lost(back) != Lost(job)) Assert.InRange(job.ToUtf8().Length, 128 * 1024, int.MaxValue);
        else AssertSameJob(job, back);

        static string? Lost(JsonObject made) => made["metadata"]?["annotations"]?[KubeMpiAnnotations.Lost]?.ToString();
    }

    private static JsonObject Convert(JsonObject job, string version)
    {
        var before = job.ToJsonString();
        var converted = KubeflowConversion.Convert(job, version, ConversionSettings.Default);
        Assert.Equal(before, job.ToJsonString());
        Assert.Equal(version, converted["apiVersion"]!.ToString());
        // As a server would store it and hand it out.
        return KubeObject.From(converted).ToTree();
    }

    private static void ForEach(string[] versions, Action<JsonObject, string, Random> property)
    {
        for (var seed = 0; seed < Runs; seed++) Try(versions, property, seed);
    }

    private static void Try(string[] versions, Action<JsonObject, string, Random> property, int seed)
    {
        var random = new Random(seed);
        var generator = new JobGenerator(random);
        var job = generator.Of(versions[random.Next(versions.Length)]);
        if (seed % 2 == 1 && generator.Spoilt(job) is { } spoilt) job = spoilt;
        // Without a version there is nothing to convert, and where there is no metadata there is no place to keep anything.
        if (job["apiVersion"] is not JsonValue value || !value.TryGetValue<string>(out var version) || !versions.Contains(version)) return;
        if (job["metadata"] is not (null or JsonObject) || job["metadata"]?["annotations"] is not (null or JsonObject)) return;
        try
        {
            property(job, version, random);
        }
        catch (Exception broken)
        {
            Assert.Fail($"seed {seed}: {Short(broken.ToString())}\n{Short(job.ToJsonString())}");
        }
    }

    /// <summary>The same but for our own annotations.</summary>
    private static void AssertSameJob(JsonObject expected, JsonObject actual) => AssertSame(Normal(expected), Normal(actual));

    private static void AssertMetadataStays(JsonObject before, JsonObject after)
    {
        var (old, made) = ((JsonObject)Normal(before).DeepClone(), (JsonObject)Normal(after).DeepClone());
        AssertSame(old["metadata"] as JsonObject ?? [], made["metadata"] as JsonObject ?? []);
    }

    private static void AssertFits(JsonObject hub)
    {
        var body = new JsonObject();
        foreach (var member in (string[])["spec", "status"])
        {
            if (hub[member] is { } value) body[member] = value.DeepClone();
        }

        var faults = new List<FieldError>();
        var fitted = HubSchema.V2Beta1.Fit(JsonElement.Parse(body.ToUtf8(), JsonLimits.Options), faults.Add);
        Assert.Empty(faults);
        AssertSame(body, fitted);
    }

    private static JsonObject Normal(JsonObject job)
    {
        var normal = (JsonObject)job.DeepClone();
        if (normal["metadata"] is not JsonObject metadata)
        {
            normal.Remove("metadata");
            return normal;
        }

        if (metadata["annotations"] is JsonObject annotations)
        {
            foreach (var key in annotations.Select(static a => a.Key).Where(static k => k.StartsWith("kubempi.dev/kept-", StringComparison.Ordinal) || k is "kubempi.dev/origin" or "kubempi.dev/lost").ToList()) annotations.Remove(key);
            if (annotations.Count == 0) metadata.Remove("annotations");
        }
        else
        {
            metadata.Remove("annotations");
        }

        if (metadata.Count == 0) normal.Remove("metadata");
        return normal;
    }

    private static void AssertSame(JsonNode expected, JsonNode actual)
    {
        var (left, right) = (JsonElement.Parse(((JsonObject)expected).ToUtf8(), JsonLimits.Options), JsonElement.Parse(((JsonObject)actual).ToUtf8(), JsonLimits.Options));
        if (!JsonElement.DeepEquals(left, right)) Assert.Fail($"expected {Short(expected.ToJsonString())}\nbut was {Short(actual.ToJsonString())}");
    }

    private static string Short(string text) => text.Replace(new string('x', 200 * 1024), "BIG", StringComparison.Ordinal) is { Length: > 6000 } longText ? longText[..6000] : text;
}
