using System.Text.Json;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.Nodes.Linux;

/// <summary>
/// The service account tokens that one pod's volumes hold: asked for through the API (TokenRequest), bound to the pod, and asked for
/// anew when 80% of their time has passed, as the kubelet does.
/// </summary>
internal sealed class PodTokens(LocalPod pod)
{
    private static readonly TimeSpan OldAfter = TimeSpan.FromHours(24);
    private static readonly TimeSpan Retry = TimeSpan.FromSeconds(10);

    private readonly Dictionary<TokenSource, Token> _tokens = [];

    /// <param name="Audience">Empty for the API server itself.</param>
    private readonly record struct TokenSource(string Audience, long Seconds);

    private readonly record struct Token(string Text, DateTimeOffset RenewAt, DateTimeOffset Expires);

    /// <summary>When the next token grows old; null without tokens.</summary>
    public DateTimeOffset? RenewAt => _tokens.Count == 0 ? null : _tokens.Values.Min(static t => t.RenewAt);

    /// <summary>Asks for what the volumes need and do not have yet, or soon no more.</summary>
    /// <exception cref="MissingReferenceException">There is no such account, or the server gives out no tokens.</exception>
    public async Task RenewAsync(CancellationToken cancellation)
    {
        foreach (var source in pod.Spec.Volumes.SelectMany(static v => v.Items("projected", "sources")).Where(static s => s.Has("serviceAccountToken")).Select(static s => Read(s.At("serviceAccountToken"))).ToList())
        {
            var now = pod.Node.Time.GetUtcNow();
            var known = _tokens.TryGetValue(source, out var token);
            if (known && token.RenewAt > now) continue;
            try
            {
                _tokens[source] = await AskAsync(source, now, cancellation);
            }
            catch (Exception refused) when (refused is ApiException or HttpRequestException)
            {
                if (!known || token.Expires <= now) throw new MissingReferenceException($"failed to fetch token: {refused.Message}");
                _tokens[source] = token with { RenewAt = now + Retry };
            }
        }
    }

    /// <summary>The token of a <c>serviceAccountToken</c> source.</summary>
    public string Of(JsonElement source) => _tokens.TryGetValue(Read(source), out var token) ? token.Text : throw new MissingReferenceException("failed to fetch token: it was not asked for yet");

    private async Task<Token> AskAsync(TokenSource source, DateTimeOffset now, CancellationToken cancellation)
    {
        var spec = new JsonObject
        {
            ["expirationSeconds"] = source.Seconds,
            ["boundObjectRef"] = new JsonObject { ["apiVersion"] = "v1", ["kind"] = "Pod", ["name"] = pod.Meta.Name, ["uid"] = pod.Meta.Uid },
        };
        if (source.Audience.Length > 0) spec["audiences"] = new JsonArray((JsonNode)source.Audience);
        var account = pod.Spec.Spec.Text("serviceAccountName") is { Length: > 0 } named ? named : "default";
        var request = KubeObject.From(new JsonObject
        {
            ["apiVersion"] = "authentication.k8s.io/v1",
            ["kind"] = "TokenRequest",
            ["metadata"] = new JsonObject { ["name"] = account, ["namespace"] = pod.Meta.Namespace },
            ["spec"] = spec,
        });
        var answer = await pod.Node.Client.CreateAsync(Kinds.ServiceAccount, request, "token", cancellation);
        var expires = answer.Root.Time("status", "expirationTimestamp") ?? now.AddSeconds(source.Seconds);
        var renewAfter = (expires - now) * 0.8;
        return new Token(answer.Root.Text("status", "token") ?? "", now + (renewAfter < OldAfter ? renewAfter : OldAfter), expires);
    }

    private static TokenSource Read(JsonElement source) => new(source.Text("audience") ?? "", source.Integer("expirationSeconds") ?? 3600);
}
