using System.Collections.Immutable;
using Kube.Types;

namespace Kube.ApiServer;

internal sealed class ServiceAccountKind : KindStrategy
{
    public override ResourceKind Kind => Kinds.ServiceAccount;
    public override ImmutableArray<string> ShortNames => ["sa"];
    public override bool ReturnsDeletedObject => true;
}
