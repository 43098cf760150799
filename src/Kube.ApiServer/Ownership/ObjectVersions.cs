using System.Text.Json.Nodes;

namespace Kube.ApiServer;

/// <summary>The objects of one write in the versions in which their owners name fields: converted and compared at most once each.</summary>
internal sealed class ObjectVersions(WriteContext context)
{
    private readonly Dictionary<(JsonObject, string), JsonObject?> _converted = [];
    private readonly Dictionary<(JsonObject, JsonObject, string), FieldComparison?> _compared = [];

    /// <summary>Null when the version is not served (any more).</summary>
    public FieldType? Type(string apiVersion) => context.Strategy.InVersion(apiVersion, context.Server)?.FieldType;

    /// <param name="obj">In the version that is written.</param>
    public JsonObject? Convert(JsonObject obj, string apiVersion)
    {
        if (apiVersion == context.Kind.ApiVersion) return obj;
        if (!_converted.TryGetValue((obj, apiVersion), out var converted))
        {
            converted = context.Strategy.InVersion(apiVersion, context.Server) is { } other ? context.Strategy.ToVersion((JsonObject)obj.DeepClone(), other) : null;
            _converted.Add((obj, apiVersion), converted);
        }

        return converted;
    }

    /// <summary>Back to the version that is written.</summary>
    public JsonObject Return(JsonObject obj, string apiVersion) =>
        apiVersion == context.Kind.ApiVersion ? obj : context.Strategy.InVersion(apiVersion, context.Server)!.ToVersion((JsonObject)obj.DeepClone(), context.Strategy);

    /// <summary>Null when the version is not served.</summary>
    public FieldComparison? Compare(JsonObject before, JsonObject after, string apiVersion)
    {
        if (!_compared.TryGetValue((before, after, apiVersion), out var comparison))
        {
            comparison = Type(apiVersion) is { } type ? FieldComparison.Of(Convert(before, apiVersion)!, Convert(after, apiVersion)!, type) : null;
            _compared.Add((before, after, apiVersion), comparison);
        }

        return comparison;
    }
}
