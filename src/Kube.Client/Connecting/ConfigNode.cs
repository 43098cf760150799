using System.Text;
using System.Text.Json;
using Kube.Types;

namespace Kube.Client;

/// <summary>A part of a kubeconfig file that knows its own place, so that every fault names file, line and field.</summary>
internal sealed record ConfigNode(string File, YamlPositions Positions, string Path, JsonElement Value)
{
    public ConfigNode this[string member] => this with { Path = Path.Length == 0 ? member : $"{Path}.{member}", Value = Value.At(member) };

    public bool IsPresent => Value.ValueKind is not (JsonValueKind.Undefined or JsonValueKind.Null);

    /// <summary>The text, empty when absent.</summary>
    public string Text => Value.ValueKind switch
    {
        JsonValueKind.String => Value.GetString()!,
        JsonValueKind.Undefined or JsonValueKind.Null => "",
        _ => throw Fault("must be text; put it in quotes"),
    };

    public bool Flag => Value.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False or JsonValueKind.Undefined or JsonValueKind.Null => false,
        _ => throw Fault("must be true or false"),
    };

    public IEnumerable<ConfigNode> Items => Value.Items().Select((item, i) => this with { Path = $"{Path}[{i}]", Value = item });

    /// <summary>The content given in place (<c>NAME-data</c>, base64) or by file (<c>NAME</c>, relative to the kubeconfig); null when neither is.</summary>
    public byte[]? Content(string member)
    {
        var (data, file) = (this[$"{member}-data"], this[member]);
        if (data.Text.Length > 0)
        {
            try
            {
                return Convert.FromBase64String(data.Text);
            }
            catch (FormatException)
            {
                throw data.Fault("is not valid base64");
            }
        }

        return file.Text.Length == 0 ? null : file.Read(FullPath(file.Text));
    }

    public string FullPath(string path) =>
        System.IO.Path.GetFullPath(path, System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(File)) ?? "/");

    public byte[] Read(string path)
    {
        try
        {
            return System.IO.File.ReadAllBytes(path);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw Fault($"cannot read {path}: {fault.Message}", fault);
        }
    }

    public ConnectionException Fault(string fault, Exception? inner = null) => new($"{File} ({Positions.Locate(Path)}): {Path}: {fault}", inner);

    /// <exception cref="ConnectionException">The file is no YAML, or no Config.</exception>
    public static ConfigNode Load(string file)
    {
        try
        {
            var documents = Yaml.Read(Encoding.UTF8.GetString(System.IO.File.ReadAllBytes(file)));
            if (documents.Count == 0) return new ConfigNode(file, YamlPositions.None, "", default);
            return new ConfigNode(file, documents[0].Positions, "", JsonElement.Parse(documents[0].Root.ToUtf8()));
        }
        catch (YamlSyntaxException fault)
        {
            throw new ConnectionException($"{file}: {fault.Message}", fault);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new ConnectionException($"cannot read the kubeconfig {file}: {fault.Message}", fault);
        }
    }
}
