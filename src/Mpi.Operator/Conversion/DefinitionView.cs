using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Kube.Client;
using Kube.Types;

namespace Mpi.Operator;

/// <summary>What the webhook needs to know of the definition of MPIJob.</summary>
/// <param name="UsesWebhook">Whether it asks for one at all; otherwise the operator leaves it alone.</param>
/// <param name="Service">Such as <c>mpi-operator/mpi-operator-webhook:443/convert</c>; empty where a URL is named.</param>
/// <param name="Bundle">The authorities that the API server trusts, PEM.</param>
/// <param name="Served">The versions that are served.</param>
/// <param name="Outdated">The versions in which objects may still be stored, and are no more.</param>
public sealed record DefinitionView(string ResourceVersion, bool UsesWebhook, string Url, string Service, string Bundle, ImmutableArray<string> Served, ImmutableArray<string> Outdated)
{
    private const int ServicePort = 443;

    public static DefinitionView Read(KubeObject definition)
    {
        var spec = definition.Root.At("spec");
        var client = spec.At("conversion", "webhook", "clientConfig");
        return new DefinitionView(
            definition.Meta.ResourceVersion,
            spec.Text("conversion", "strategy") == "Webhook",
            client.Text("url") ?? "",
            client.Has("service") ? Address(client.Text("service", "namespace"), client.Text("service", "name"), client.Integer("service", "port") ?? ServicePort, client.Text("service", "path")) : "",
            WebhookKeys.FromBase64(client.Text("caBundle")),
            [.. spec.Items("versions").Where(static v => v.Flag("served") == true).Select(static v => v.Text("name") ?? "")],
            StorageMigration.Outdated(definition));
    }

    public bool LeadsTo(ConversionOptions options, string bundle) =>
        Bundle == bundle && Url == (options.Url?.OriginalString ?? "") && Service == (options.Url is null ? Address(options.Namespace, ConversionOptions.ServiceName, ServicePort, ConversionOptions.Path) : "");

    /// <summary>Leads the API server to the webhook. Refused by the server where the definition is not the one that was looked at.</summary>
    public Patch Lead(ConversionOptions options, string bundle) => Patch.Merge(new JsonObject
    {
        ["metadata"] = new JsonObject { ["resourceVersion"] = ResourceVersion },
        ["spec"] = new JsonObject
        {
            ["conversion"] = new JsonObject
            {
                ["webhook"] = new JsonObject
                {
                    ["clientConfig"] = new JsonObject
                    {
                        ["url"] = options.Url?.OriginalString,
                        ["service"] = options.Url is not null ? null : new JsonObject
                        {
                            ["namespace"] = options.Namespace,
                            ["name"] = ConversionOptions.ServiceName,
                            ["path"] = ConversionOptions.Path,
                            ["port"] = ServicePort,
                        },
                        ["caBundle"] = WebhookKeys.Base64(bundle),
                    },
                },
            },
        },
    });

    private static string Address(string? ns, string? name, long port, string? path) => $"{ns}/{name}:{port}{path}";
}
