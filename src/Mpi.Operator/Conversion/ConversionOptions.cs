using System.Collections.Immutable;
using System.Net;
using Kube.Types;

namespace Mpi.Operator;

/// <summary>Where the conversion webhook is, and the objects that it keeps. The names are those of deploy/, whose rights are for these names alone.</summary>
public sealed record ConversionOptions
{
    /// <summary>The definition whose versions are converted.</summary>
    public const string Definition = "mpijobs.kubeflow.org";

    /// <summary>Holds the authority's and the webhook's keys, one for all replicas.</summary>
    public const string SecretName = "mpi-operator-webhook";

    /// <summary>Leads to every replica that is ready.</summary>
    public const string ServiceName = "mpi-operator-webhook";

    /// <summary>Holds the settings of the conversion: the same for all replicas, whatever their flags say.</summary>
    public const string SettingsName = "kubempi-conversion";

    public const string Path = "/convert";

    /// <summary>The operator's own: Secret, ConfigMap and Service are there.</summary>
    public required string Namespace { get; init; }

    /// <summary>Where the webhook listens (<c>--webhook-port</c>).</summary>
    public int Port { get; init; } = 8443;

    /// <summary>How the API server reaches it where no Service leads to it (<c>--webhook-url</c>): an operator that runs outside the cluster.</summary>
    public Uri? Url { get; init; }

    /// <summary>What old operators' flags say of the settings, by name without dashes: the ConfigMap's content where there is none yet.</summary>
    public ImmutableDictionary<string, string> Flags { get; init; } = ImmutableDictionary<string, string>.Empty;

    /// <summary>The host that the API server expects in the certificate: a DNS name, or an address.</summary>
    public string Host => Url is { } url ? url.IdnHost.Trim('[', ']') : $"{ServiceName}.{Namespace}.svc";

    public bool HostIsAddress => IPAddress.TryParse(Host, out _);

    /// <summary>Every fault, each under the flag that sets it.</summary>
    public ImmutableArray<FieldError> Validate()
    {
        var faults = ImmutableArray.CreateBuilder<FieldError>();
        if (Namespace.Length == 0) faults.Add(FieldError.Required("--lock-namespace", "the webhook's Secret needs a namespace"));
        if (Port is < 1 or > 65535) faults.Add(FieldError.Invalid("--webhook-port", Port.ToString(), "must be a port"));
        // The API server's own rules for clientConfig.url.
        if (Url is { } url && (url.Scheme != Uri.UriSchemeHttps || url.UserInfo.Length > 0 || url.Query.Length > 0 || url.Fragment.Length > 0))
        {
            faults.Add(FieldError.Invalid("--webhook-url", url.OriginalString, "must be https://HOST[:PORT][/PATH], without user, query or fragment"));
        }

        return faults.ToImmutable();
    }
}
