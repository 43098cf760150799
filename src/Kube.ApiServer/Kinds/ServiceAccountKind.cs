using System.Collections.Immutable;
using Kube.Types;

namespace Kube.ApiServer;

internal sealed class ServiceAccountKind : KindStrategy
{
    public override ResourceKind Kind => Kinds.ServiceAccount;
    public override ImmutableArray<string> ShortNames => ["sa"];
    public override bool ReturnsDeletedObject => true;
    public override ImmutableArray<Subresource> Subresources => [new("token", "TokenRequest", "authentication.k8s.io/v1", ["create"])];
}
