using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Kube.Client;
using Kube.Types;
using Microsoft.Extensions.Logging;

namespace Mpi.Operator;

/// <summary>
/// Rewrites what older operators stored in older versions, so that one version is stored and the others could go: each object once, by an empty
/// patch with its resourceVersion, which has the API server store it anew. Then the definition's <c>status.storedVersions</c> is trimmed. A page at a
/// time; one that begins again meets objects that are rewritten already, which the server then leaves as they are.
/// </summary>
/// <param name="client">Requests through it have a limit in time, and are fenced where several could migrate.</param>
/// <param name="say">Progress, for people.</param>
public sealed class StorageMigration(IKubeClient client, ResourceKind stored, Action<string> say)
{
    private const int PageSize = 100;

    private readonly List<string> _refused = [];
    private string _next = "";
    private int _rewritten;
    private bool _begun;

    /// <summary>The versions other than today's in which objects of a definition may be stored.</summary>
    public static ImmutableArray<string> Outdated(KubeObject definition)
    {
        var storage = definition.Root.Items("spec", "versions").FirstOrDefault(static v => v.Flag("storage") == true).Text("name");
        return [.. definition.Root.Words("status", "storedVersions").Where(v => v != storage)];
    }

    /// <summary>A page, or the end.</summary>
    /// <returns>True when nothing is left to do.</returns>
    /// <exception cref="ApiException">The server refuses what it should not, or the webhook does not answer. The same call goes on.</exception>
    public async Task<bool> StepAsync(CancellationToken cancellation)
    {
        var name = $"{stored.Plural}.{stored.Group}";
        if (!_begun)
        {
            var definition = await client.GetAsync(Kinds.CustomResourceDefinition, null, name, cancellation);
            if (Outdated(definition) is not { IsEmpty: false } outdated) return true;
            if (!definition.Root.Items("spec", "versions").Any(v => v.Text("name") == stored.Version && v.Flag("storage") == true)) return true;
            say($"{name}: rewriting what was stored as {string.Join(", ", outdated)}");
            (_begun, _next, _rewritten) = (true, "", 0);
            _refused.Clear();
        }

        ListPage page;
        try
        {
            page = await client.ListAsync(stored, null, new ListOptions(Limit: PageSize, Continue: _next), cancellation);
        }
        catch (ApiException expired) when (expired.IsGone)
        {
            // The list took too long: from the beginning, which is quick where it was done.
            _begun = false;
            return false;
        }

        foreach (var obj in page.Items) await RewriteAsync(obj, cancellation);
        _next = page.Continue;
        if (_next.Length > 0)
        {
            say($"{name}: {_rewritten} objects rewritten");
            return false;
        }

        _begun = false;
        await FinishAsync(name, cancellation);
        return true;
    }

    private async Task RewriteAsync(KubeObject obj, CancellationToken cancellation)
    {
        var body = new JsonObject { ["metadata"] = new JsonObject { ["uid"] = obj.Meta.Uid, ["resourceVersion"] = obj.Meta.ResourceVersion } };
        try
        {
            await client.PatchAsync(stored, obj.Meta.Namespace, obj.Meta.Name, Patch.Merge(body), null, cancellation);
            _rewritten++;
        }
        catch (ApiException met) when (met.Responsibility == Responsibility.Replan)
        {
            // Gone, or written by somebody else, who has thereby done it.
        }
        catch (ApiException refused) when (refused.Responsibility == Responsibility.User)
        {
            _refused.Add($"{obj.Meta.Key}: {refused.Message}");
        }
    }

    private async Task FinishAsync(string name, CancellationToken cancellation)
    {
        if (_refused.Count > 0)
        {
            // Trimmed now, the definition could lose a version that an object is still stored in.
            say($"{name}: {_rewritten} objects rewritten; {_refused.Count} cannot be, as the server says of {string.Join("; of ", _refused.Take(3))}. Mend or delete them: status.storedVersions keeps its old versions until then");
            return;
        }

        // Read anew: what was stored since the beginning was stored in the version meant.
        var definition = await client.GetAsync(Kinds.CustomResourceDefinition, null, name, cancellation);
        var body = new JsonObject
        {
            ["metadata"] = new JsonObject { ["resourceVersion"] = definition.Meta.ResourceVersion },
            ["status"] = new JsonObject { ["storedVersions"] = new JsonArray(stored.Version) },
        };
        await client.PatchAsync(Kinds.CustomResourceDefinition, null, name, Patch.Merge(body), "status", cancellation);
        say($"{name}: {_rewritten} objects rewritten; all are stored as {stored.Version} now");
    }
}
