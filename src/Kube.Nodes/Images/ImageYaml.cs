using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Kube.Types;

namespace Kube.Nodes.Images;

/// <summary>Reads the fields of an image.yaml and collects every fault.</summary>
internal sealed class ImageYaml(string file, YamlPositions positions)
{
    private readonly List<string> _faults = [];

    public ImageStandIn Read(string folder, JsonElement root)
    {
        Known(root, "", "base", "users", "groups", "user", "workingDir", "env", "entrypoint", "cmd", "programs", "links", "mounts", "build", "files");
        var standIn = new ImageStandIn
        {
            Folder = folder,
            Base = Text(root, "base"),
            Users = Items(root, "users", User),
            Groups = Items(root, "groups", (group, at) => new ImageGroup(Needed(group, at, "name"), Id(group, at, "gid") ?? 0)),
            User = Scalar(root, "user"),
            WorkingDirectory = Text(root, "workingDir"),
            Environment = [.. root.Members("env").Select(member => KeyValuePair.Create(member.Name, Plain(member.Value, $"env.{member.Name}")))],
            Entrypoint = Words(root, "", "entrypoint"),
            Command = Words(root, "", "cmd"),
            Programs = Items(root, "programs", Program),
            Links = [.. root.Members("links").Select(Link)],
            Mounts = Items(root, "mounts", (mount, at) => new ProgramMount(Needed(mount, at, "name"), Needed(mount, at, "path"))),
            Build = Build(root),
            Files = Items(root, "files", FileEntry),
        };
        return _faults.Count == 0 ? standIn : throw new ImageException(string.Join("\n", _faults));
    }

    private ImageUser User(JsonElement user, string at)
    {
        Known(user, at, "name", "uid", "gid", "home", "shell", "groups");
        var name = Needed(user, at, "name");
        if (Id(user, at, "uid") is not { } uid)
        {
            Fault($"{at}.uid", "is missing");
            uid = 0;
        }

        return new ImageUser(name, uid, Id(user, at, "gid") ?? uid, Text(user, "home") ?? $"/home/{name}", Text(user, "shell") ?? "/bin/sh", Words(user, at, "groups") ?? []);
    }

    private RequiredProgram Program(JsonElement program, string at)
    {
        if (program.ValueKind == JsonValueKind.String) return new RequiredProgram(program.GetString()!, null);
        Known(program, at, "path", "package");
        return new RequiredProgram(Needed(program, at, "path"), Text(program, "package"));
    }

    private ImageLink Link(JsonProperty link)
    {
        var at = $"links[{link.Name}]";
        if (!link.Name.StartsWith('/')) Fault(at, "must be an absolute path");
        ImmutableArray<string> targets = link.Value.ValueKind == JsonValueKind.String ? [link.Value.GetString()!] : [.. link.Value.Items().Where(static t => t.ValueKind == JsonValueKind.String).Select(static t => t.GetString()!)];
        if (targets.IsEmpty) Fault(at, "names no target");
        return new ImageLink(link.Name, targets);
    }

    private ImageBuild? Build(JsonElement root)
    {
        var build = root.At("build");
        if (build.ValueKind == JsonValueKind.Undefined) return null;
        Known(build, "build", "command", "inputs", "tools");
        var command = Words(build, "build", "command") ?? [];
        if (command.IsEmpty) Fault("build.command", "is missing");
        return new ImageBuild(command, Words(build, "build", "inputs") ?? [], Words(build, "build", "tools") ?? []);
    }

    private ImageFile FileEntry(JsonElement entry, string at)
    {
        Known(entry, at, "path", "directory", "owner", "mode", "recursive");
        var path = Needed(entry, at, "path");
        if (path.Length > 0 && !path.StartsWith('/')) Fault($"{at}.path", "must be an absolute path");
        return new ImageFile(path, entry.Flag("directory") ?? false, Scalar(entry, "owner"), Mode(entry, at), entry.Flag("recursive") ?? false);
    }

    private UnixFileMode? Mode(JsonElement entry, string at)
    {
        // YAML reads an unquoted 0755 as a number, octal in one version and decimal in the other: only text is unmistakable.
        var mode = entry.At("mode");
        if (mode.ValueKind is JsonValueKind.Undefined or JsonValueKind.Null) return null;
        if (mode.ValueKind != JsonValueKind.String)
        {
            Fault($"{at}.mode", "must stand in quotes, such as \"0755\"");
            return null;
        }

        try
        {
            var value = Convert.ToInt32(mode.GetString(), 8);
            if (value is >= 0 and <= 0xFFF) return (UnixFileMode)value;
        }
        catch (FormatException)
        {
            // Reported below, like a number out of range.
        }

        Fault($"{at}.mode", "must be an octal number, such as \"0755\"");
        return null;
    }

    private ImmutableArray<T> Items<T>(JsonElement root, string field, Func<JsonElement, string, T> read)
    {
        var list = root.At(field);
        if (list.ValueKind is JsonValueKind.Undefined or JsonValueKind.Null) return [];
        if (list.ValueKind != JsonValueKind.Array)
        {
            Fault(field, "must be a list");
            return [];
        }

        return [.. list.EnumerateArray().Select((item, i) => read(item, $"{field}[{i}]"))];
    }

    private ImmutableArray<string>? Words(JsonElement at, string path, string field)
    {
        var list = at.At(field);
        if (list.ValueKind is JsonValueKind.Undefined or JsonValueKind.Null) return null;
        var place = path.Length == 0 ? field : $"{path}.{field}";
        if (list.ValueKind == JsonValueKind.Array) return [.. list.EnumerateArray().Select((word, i) => Plain(word, $"{place}[{i}]"))];
        Fault(place, "must be a list of words");
        return null;
    }

    private string Needed(JsonElement at, string path, string field)
    {
        if (Text(at, field) is { Length: > 0 } text) return text;
        Fault($"{path}.{field}", "is missing");
        return "";
    }

    private uint? Id(JsonElement at, string path, string field)
    {
        if (!at.Has(field)) return null;
        if (at.Integer(field) is >= 0 and <= int.MaxValue and var id) return (uint)id;
        Fault($"{path}.{field}", "must be a number from 0 on");
        return null;
    }

    private string Plain(JsonElement value, string at)
    {
        if (value.ValueKind == JsonValueKind.String) return value.GetString()!;
        if (value.ValueKind is JsonValueKind.Number) return value.GetRawText();
        Fault(at, "must be text");
        return "";
    }

    private static string? Text(JsonElement at, string field) => at.Text(field);

    /// <summary>Text, or a number as it stands: <c>user: 1000</c>.</summary>
    private static string? Scalar(JsonElement at, string field) => at.Text(field) ?? at.Integer(field)?.ToString(CultureInfo.InvariantCulture);

    private void Known(JsonElement at, string path, params ReadOnlySpan<string> fields)
    {
        if (at.ValueKind != JsonValueKind.Object)
        {
            Fault(path, "must be a map");
            return;
        }

        foreach (var member in at.EnumerateObject())
        {
            if (!fields.Contains(member.Name)) Fault(path.Length == 0 ? member.Name : $"{path}.{member.Name}", "is no field of image.yaml; see docs/images.md");
        }
    }

    private void Fault(string path, string what) => _faults.Add($"{file}, {positions.Locate(path)}: {path} {what}");
}
