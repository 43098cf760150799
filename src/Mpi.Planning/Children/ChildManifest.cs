using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Kube.Types;
using Mpi.Model;

namespace Mpi.Planning;

/// <summary>What all children have in common: name, labels and the owner that garbage collection follows.</summary>
internal static class ChildManifest
{
    public static JsonObject Of(RunProfile profile, ResourceKind kind, string name) => new()
    {
        ["apiVersion"] = kind.ApiVersion,
        ["kind"] = kind.Kind,
        ["metadata"] = new JsonObject
        {
            ["name"] = name,
            ["namespace"] = profile.Job.Namespace,
            ["labels"] = profile.ChildLabels.ToTree(),
            ["ownerReferences"] = OwnerReferences(profile),
        },
    };

    public static JsonArray OwnerReferences(RunProfile profile) => new(
        new JsonObject
        {
            ["apiVersion"] = profile.JobKind.ApiVersion,
            ["kind"] = profile.JobKind.Kind,
            ["name"] = profile.Job.Name,
            ["uid"] = profile.Job.Uid,
            ["controller"] = true,
            ["blockOwnerDeletion"] = true,
        });

    /// <summary>Of anything rendered: tells whether it would be rendered the same today, without keeping it.</summary>
    public static string DigestOf(JsonNode rendered) => Convert.ToHexStringLower(SHA256.HashData(rendered.ToUtf8()).AsSpan(0, 16));

    /// <summary>A merge patch of one map that leaves exactly <paramref name="wanted"/>: what is there besides is taken away.</summary>
    public static JsonObject MapPatch(IEnumerable<string> present, IEnumerable<KeyValuePair<string, string>> wanted)
    {
        var patch = wanted.ToTree();
        foreach (var key in present)
        {
            if (!patch.ContainsKey(key)) patch[key] = null;
        }

        return patch;
    }

    /// <summary>The body of a merge patch that applies only to the state it was decided on.</summary>
    public static JsonObject Patch(ChildMeta child, string member, JsonNode value) => new()
    {
        ["metadata"] = new JsonObject { ["resourceVersion"] = child.ResourceVersion },
        [member] = value,
    };
}
