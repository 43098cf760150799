using System.Text.Json.Nodes;

namespace Kube.ApiServer;

/// <summary>A column of a server-side table (<c>meta.k8s.io/v1 Table</c>).</summary>
/// <param name="Type">An OpenAPI type: <c>string</c>, <c>integer</c>, <c>date</c>, <c>boolean</c>.</param>
/// <param name="Priority">0 is always shown, 1 by <c>-o wide</c> only.</param>
/// <param name="Cell">The cell of one object; null is shown as <c>&lt;none&gt;</c>.</param>
internal sealed record TableColumn(string Name, string Type, int Priority, Func<JsonObject, DateTimeOffset, JsonNode?> Cell)
{
    public string Description { get; init; } = "";
    public string Format { get; init; } = "";

    public static readonly TableColumn Age = new("Age", "string", 0, static (obj, now) => Ages.Since(obj.Text("metadata", "creationTimestamp"), now));

    public static TableColumn Text(string name, Func<JsonObject, JsonNode?> cell) => new(name, "string", 0, (obj, _) => cell(obj));

    public static TableColumn Wide(string name, Func<JsonObject, JsonNode?> cell) => new(name, "string", 1, (obj, _) => cell(obj));

    public static TableColumn Number(string name, Func<JsonObject, JsonNode?> cell) => new(name, "integer", 0, (obj, _) => cell(obj));
}
