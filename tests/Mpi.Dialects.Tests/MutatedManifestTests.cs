using System.Text.Json;
using System.Text.Json.Nodes;
using Kube.Testing;
using Kube.Types;
using Mpi.Model;

namespace Mpi.Dialects.Tests;

/// <summary>Manifests with parts exchanged, taken away, doubled and spoilt: parsing answers, whatever they hold.</summary>
public sealed class MutatedManifestTests
{
    private static readonly JsonMutation Mutation = new("""{"Worker":null}""", "\"kueue.x-k8s.io/multikueue\"", """{"spec":{"containers":[{"name":"a"}]}}""");
    private static readonly int Manifests100k = int.TryParse(Environment.GetEnvironmentVariable("KUBEMPI_PROPERTY_RUNS"), out var runs) ? runs : 100_000;

    [Fact]
    public void No_manifest_makes_the_parser_throw_and_every_refusal_has_a_reason()
    {
        var template = Manifests.Tree().ToJsonString();
        for (var seed = 0; seed < Manifests100k; seed++)
        {
            var json = Mutation.Of(template, new Random(seed));
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
                var result = new KubeflowV2Beta1Dialect().Parse(manifest);
                if (result is ParseResult.Rejected rejected) Assert.False(FieldError.Aggregate(rejected.Errors).Length == 0);
            }
            catch (Exception broken)
            {
                Assert.Fail($"seed {seed}: {broken}\n{json}");
            }
        }
    }
}
