using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

internal sealed class PersistentVolumeClaimKind : KindStrategy
{
    public override ResourceKind Kind => Kinds.PersistentVolumeClaim;
    public override ImmutableArray<string> ShortNames => ["pvc"];
    public override bool HasStatus => true;
    public override bool ReturnsDeletedObject => true;
}
