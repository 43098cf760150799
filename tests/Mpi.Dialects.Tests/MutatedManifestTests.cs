using System.Text.Json;
using Kube.Testing;
using Kube.Types;
using Mpi.Model;

namespace Mpi.Dialects.Tests;

/// <summary>Manifests with parts exchanged, taken away, doubled and spoilt: parsing answers, whatever they hold.</summary>
public sealed class MutatedManifestTests
{
    private static readonly int Manifests100k = int.TryParse(Environment.GetEnvironmentVariable("KUBEMPI_PROPERTY_RUNS"), out var runs) ? runs : 100_000;

    [Fact]
    public void Kubeflows_parser_answers() =>
        Answers(new KubeflowV2Beta1Dialect(), Manifests.Tree().ToJsonString(), new JsonMutation("""{"Worker":null}""", "\"kueue.x-k8s.io/multikueue\"", """{"spec":{"containers":[{"name":"a"}]}}"""), Manifests100k);

    [Fact]
    public void Metacontrollers_parser_answers() =>
        Answers(new MetacontrollerDialect(), MetacontrollerTests.Hello, new JsonMutation("""{"daemon":true}""", "\"${REPLICAS}\"", """{"spec":{"containers":[{"name":"a"}]}}"""), Manifests100k / 5);

    [Theory]
    [InlineData(KubeBatchParserTests.WholeJob)]
    [InlineData(KubeBatchParserTests.BareSpec)]
    public void Kube_batchs_parser_answers(string yaml) =>
        Answers(new KubeBatchDialect(), Manifests.Tree(yaml).ToJsonString(), new JsonMutation("""{"spec":{"template":null}}""", "\"Job\"", """{"spec":{"containers":[{"name":"a"}]}}"""), Manifests100k / 5);

    [Theory]
    [InlineData(OldManifestTests.Bench)]
    [InlineData(OldManifestTests.Pi)]
    public void Kubeflows_old_parsers_answer(string yaml)
    {
        var job = Manifests.Tree(yaml);
        Answers(ManifestDialects.For(job["apiVersion"]!.ToString(), "MPIJob")!, job.ToJsonString(), new JsonMutation("""{"Worker":null}""", "\"mpirun,a\"", """{"spec":{"containers":[{"name":"a"}]}}"""), Manifests100k / 50);
    }

    /// <summary>It never throws, and every refusal has a reason.</summary>
    private static void Answers(IDialect dialect, string template, JsonMutation mutation, int manifests)
    {
        for (var seed = 0; seed < manifests; seed++)
        {
            var json = mutation.Of(template, new Random(seed));
            JsonElement manifest;
            try
            {
                manifest = JsonElement.Parse(json, JsonLimits.Options);
            }
            catch (Exception e) when (e is JsonException or InvalidOperationException)
            {
                // No JSON; or a name that is no text, which the reader of names meets first.
                continue;
            }

            try
            {
                if (dialect.Parse(manifest) is ParseResult.Rejected rejected) Assert.False(FieldError.Aggregate(rejected.Errors).Length == 0);
            }
            catch (Exception broken)
            {
                Assert.Fail($"seed {seed}: {broken}\n{json}");
            }
        }
    }
}
