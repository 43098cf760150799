using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

internal sealed class ServiceAccountKind : KindStrategy
{
    public override ResourceKind Kind => Kinds.ServiceAccount;
    public override ImmutableArray<string> ShortNames => ["sa"];
    public override bool ReturnsDeletedObject => true;

    public override ImmutableArray<TableColumn> Columns =>
        [TableColumn.Number("Secrets", static a => a.Objects("secrets").Count()), TableColumn.Age];
}
