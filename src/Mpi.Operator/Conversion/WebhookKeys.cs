using System.Text;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Mpi.Operator;

/// <summary>What the webhook's Secret holds, each in PEM; empty where it is missing or no text.</summary>
/// <param name="Trusted">Every authority that the API server is to trust. While one takes over from another there are two.</param>
/// <param name="AuthorityKey">The key of the one that signs.</param>
/// <param name="Certificate">The webhook's own.</param>
/// <param name="Key">The webhook's own.</param>
public sealed record WebhookKeys(string Trusted, string AuthorityKey, string Certificate, string Key)
{
    private const string TrustedKey = "ca.crt";
    private const string AuthorityKeyKey = "ca.key";
    private const string CertificateKey = "tls.crt";
    private const string KeyKey = "tls.key";

    public static readonly WebhookKeys None = new("", "", "", "");

    public static WebhookKeys Read(KubeObject secret) => new(Text(secret, TrustedKey), Text(secret, AuthorityKeyKey), Text(secret, CertificateKey), Text(secret, KeyKey));

    /// <summary>The Secret with these keys and no others: a new one, or the one that was read, resourceVersion and all.</summary>
    public KubeObject Into(KubeObject? secret, string ns)
    {
        var tree = secret?.ToTree() ?? new JsonObject
        {
            ["apiVersion"] = Kinds.Secret.ApiVersion,
            ["kind"] = Kinds.Secret.Kind,
            ["metadata"] = new JsonObject { ["name"] = ConversionOptions.SecretName, ["namespace"] = ns, ["labels"] = new JsonObject { ["app"] = "mpi-operator" } },
            ["type"] = "Opaque",
        };
        tree["data"] = new JsonObject
        {
            [TrustedKey] = Base64(Trusted),
            [AuthorityKeyKey] = Base64(AuthorityKey),
            [CertificateKey] = Base64(Certificate),
            [KeyKey] = Base64(Key),
        };
        return KubeObject.From(tree);
    }

    /// <summary>Never what it holds.</summary>
    public override string ToString() => nameof(WebhookKeys);

    internal static string Base64(string pem) => Convert.ToBase64String(Encoding.ASCII.GetBytes(pem));

    internal static string FromBase64(string? text)
    {
        var bytes = new byte[(text?.Length ?? 0) / 4 * 3 + 3];
        return text is not null && Convert.TryFromBase64String(text, bytes, out var length) ? Encoding.ASCII.GetString(bytes, 0, length) : "";
    }

    private static string Text(KubeObject secret, string key) => FromBase64(secret.Root.Text("data", key));
}
