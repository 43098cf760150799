using System.Collections.Immutable;

namespace Kube.ApiServer;

/// <summary>Whom a request comes from (<c>authentication.k8s.io UserInfo</c>).</summary>
public sealed record ApiUser(string Name, ImmutableArray<string> Groups)
{
    /// <summary>Who holds the token of the cluster.</summary>
    public static readonly ApiUser Owner = new("owner", ["system:masters", "system:authenticated"]);

    /// <summary>A service account's; empty for people.</summary>
    public string Uid { get; init; } = "";

    /// <summary>What else is known, such as the pod that a token was made for.</summary>
    public ImmutableDictionary<string, string> Extra { get; init; } = ImmutableDictionary<string, string>.Empty;
}
