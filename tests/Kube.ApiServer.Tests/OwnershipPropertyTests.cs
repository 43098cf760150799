using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer.Tests;

/// <summary>What holds for every schema, object and order of writers; worlds are made from seeds.</summary>
public sealed class OwnershipPropertyTests
{
    private const int Worlds = 30;
    private const int Steps = 12;
    private static readonly string[] Managers = ["ann", "ben", "cid"];

    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, Worlds)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Applying_twice_changes_nothing_and_owners_own_only_what_is_there(int seed)
    {
        using var world = new World(seed);
        for (var i = 0; i < Steps; i++)
        {
            var manager = world.Pick(Managers);
            if (world.Chance(3))
            {
                world.Server.Patch($"{world.Path}?fieldManager={manager}", new JsonObject { ["spec"] = world.Object(world.Schema) }.ToJsonString());
            }
            else
            {
                var spec = world.Object(world.Schema);
                var config = world.Config(spec);
                var first = world.Server.Apply(world.Path, manager, config, force: true);
                Assert.True((int)first.Code < 300, $"{first.Text}\n{config}");
                world.Server.Clock.Advance(TimeSpan.FromSeconds(1));
                var second = world.Server.Apply(world.Path, manager, config, force: true);
                // Nobody owns an empty list by applying it: one that an apply emptied goes with its items, and is there from the next on.
                if (!HasEmptyList(spec)) Assert.Equal(first.Text, second.Text);
                Assert.Equal(second.Text, world.Server.Apply(world.Path, manager, config, force: true).Text);
            }

            if (world.Server.Get(world.Path).Code == System.Net.HttpStatusCode.OK) AssertOwned(world);
        }
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Applying_what_is_there_changes_no_value(int seed)
    {
        using var world = new World(seed);
        world.Server.Apply(world.Path, "ann", world.Config(world.Object(world.Schema)));
        var there = world.Server.Get(world.Path).Object["spec"] ?? new JsonObject();
        var shared = world.Server.Apply(world.Path, "ben", world.Config((JsonObject)there.DeepClone()));
        Assert.True((int)shared.Code < 300, shared.Text);
        Assert.True(JsonNode.DeepEquals(there, shared.Object["spec"] ?? new JsonObject()), $"{there}\n{shared.Object["spec"]}");
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Who_gives_everything_up_and_applies_it_again_has_what_was(int seed)
    {
        using var world = new World(seed);
        var config = world.Config(world.Object(world.Schema));
        world.Server.Apply(world.Path, "ben", world.Config(world.Object(world.Schema)));
        var before = world.Server.Apply(world.Path, "ann", config, force: true).Object;
        world.Server.Apply(world.Path, "ann", world.Config(null));
        var after = world.Server.Apply(world.Path, "ann", config, force: true).Object;
        Assert.True(Unordered(before["spec"]).SameAs(Unordered(after["spec"])), $"{before["spec"]}\n{after["spec"]}");
        Assert.Equal(Fields(before, "ann"), Fields(after, "ann"));
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void An_apply_and_a_strategic_merge_patch_of_the_same_words_agree(int seed)
    {
        var random = new Random(seed);
        using var server = new TestServer();
        const string set = "/apis/apps/v1/namespaces/default/statefulsets";
        foreach (var name in new[] { "a", "b" })
        {
            server.Post($"{set}?fieldManager=ann", $$$"""{"metadata":{"name":"{{{name}}}"},"spec":{"serviceName":"s","selector":{"matchLabels":{"l":"1"}},"template":{"metadata":{"labels":{"l":"1"}},"spec":{"containers":[{"name":"c0","image":"i","env":[{"name":"E0","value":"x"}]},{"name":"c1","image":"i"}],"volumes":[{"name":"v0","emptyDir":{}}]} } } }""");
        }

        var containers = new JsonArray();
        // In the order in which they stand: a patch appends what is new, an apply puts it where its author has it.
        for (var c = 0; c < 3; c++)
        {
            if (random.Next(3) == 0) continue;
            var container = new JsonObject { ["name"] = $"c{c}", ["image"] = $"i{random.Next(3)}" };
            var env = new JsonArray();
            for (var e = 0; e < random.Next(4); e++) env.Add((JsonNode)new JsonObject { ["name"] = $"E{e}", ["value"] = $"{random.Next(3)}" });
            if (env.Count > 0) container["env"] = env;
            if (random.Next(2) == 0) container["command"] = new JsonArray($"{random.Next(3)}");
            containers.Add((JsonNode)container);
        }

        var spec = new JsonObject { ["template"] = new JsonObject { ["spec"] = new JsonObject { ["containers"] = containers, ["tolerations"] = new JsonArray(new JsonObject { ["key"] = $"k{random.Next(3)}", ["operator"] = "Exists" }) } } };
        var applied = server.Apply($"{set}/a", "ben", new JsonObject { ["apiVersion"] = "apps/v1", ["kind"] = "StatefulSet", ["metadata"] = new JsonObject { ["name"] = "a" }, ["spec"] = spec.DeepClone() }.ToJsonString(), force: true).Object;
        var patched = server.Patch($"{set}/b", new JsonObject { ["spec"] = spec.DeepClone() }.ToJsonString(), "application/strategic-merge-patch+json").Object;
        Assert.True(Unordered(applied["spec"]).SameAs(Unordered(patched["spec"])), $"{applied["spec"]}\n{patched["spec"]}");
    }

    [Fact]
    public void Strategic_merge_patches_merge_the_lists_that_the_facts_of_the_built_in_types_name()
    {
        foreach (var shape in ShapeCatalog.Shapes)
        {
            foreach (var (member, facts) in shape.Facts.Where(static f => f.Value.PatchKey.Length > 0))
            {
                Assert.True(shape.Members[member].Type.ListOf is not null, $"{shape.Name}.{member} merges by a key and is no list");
            }
        }
    }

    /// <summary>Every owned path leads to something, in the object as it is served.</summary>
    private static void AssertOwned(World world)
    {
        var obj = world.Server.Get(world.Path).Object;
        var there = FieldComparison.Of([], obj, world.Type).Added;
        foreach (var owner in obj["metadata"]!["managedFields"]!.AsArray())
        {
            var fields = ManagedFields.FromClient(new JsonArray(owner!.DeepClone()))!.Owners.Single().Fields;
            var gone = fields.Except(there);
            Assert.True(gone.IsEmpty, $"{owner["manager"]} owns what is not there: {string.Join(' ', gone.Paths().Select(static p => FieldPaths.Print(p)))}\n{obj["spec"]}");
        }
    }

    private static string? Fields(JsonObject obj, string manager) =>
        obj["metadata"]!["managedFields"]!.AsArray().FirstOrDefault(o => o.Text("manager") == manager)?["fieldsV1"]!.ToJsonString();

    private static bool HasEmptyList(JsonNode? node) => node switch
    {
        JsonObject members => members.Any(static m => HasEmptyList(m.Value)),
        JsonArray items => items.Count == 0 || items.Any(HasEmptyList),
        _ => false,
    };

    /// <summary>Without the order of items and members, which depends on who came first.</summary>
    private static JsonNode? Unordered(JsonNode? node) => node switch
    {
        JsonObject members => new JsonObject(members.OrderBy(static m => m.Key, StringComparer.Ordinal).Select(static m => KeyValuePair.Create(m.Key, Unordered(m.Value)))),
        JsonArray items => new JsonArray([.. items.Select(Unordered).OrderBy(static i => i?.ToJsonString(), StringComparer.Ordinal)]),
        _ => node?.DeepClone(),
    };

    /// <summary>A server that serves one kind of a random schema.</summary>
    private sealed class World : IDisposable
    {
        private const int DepthMax = 3;
        private readonly Random _random;

        public World(int seed)
        {
            _random = new Random(seed);
            Schema = ObjectSchema(0);
            var schema = new JsonObject { ["type"] = "object", ["properties"] = new JsonObject { ["spec"] = Schema.DeepClone() } };
            var crd = new JsonObject
            {
                ["metadata"] = new JsonObject { ["name"] = "things.example.com" },
                ["spec"] = new JsonObject
                {
                    ["group"] = "example.com", ["scope"] = "Namespaced", ["names"] = new JsonObject { ["plural"] = "things", ["kind"] = "Thing" },
                    ["versions"] = new JsonArray(new JsonObject { ["name"] = "v1", ["served"] = true, ["storage"] = true, ["schema"] = new JsonObject { ["openAPIV3Schema"] = schema } }),
                },
            };
            var made = Server.Post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", crd.ToJsonString());
            Assert.True((int)made.Code == 201, made.Text);
            Type = FieldTypes.OfResource(Kube.ApiServer.Schema.Read(schema));
        }

        public TestServer Server { get; } = new();
        public JsonObject Schema { get; }
        public FieldType Type { get; }
        public string Path => "/apis/example.com/v1/namespaces/default/things/t";

        public T Pick<T>(IReadOnlyList<T> of) => of[_random.Next(of.Count)];

        public bool Chance(int oneIn) => _random.Next(oneIn) == 0;

        public string Config(JsonObject? spec)
        {
            var config = new JsonObject { ["apiVersion"] = "example.com/v1", ["kind"] = "Thing", ["metadata"] = new JsonObject { ["name"] = "t" } };
            if (spec is not null) config["spec"] = spec;
            return config.ToJsonString();
        }

        public JsonObject Object(JsonObject schema)
        {
            var made = new JsonObject();
            foreach (var (name, property) in schema["properties"]!.AsObject())
            {
                if (!Chance(3)) made[name] = Value((JsonObject)property!);
            }

            return made;
        }

        public void Dispose() => Server.Dispose();

        private JsonNode Value(JsonObject schema)
        {
            switch (schema.Text("type"))
            {
                case "string":
                    return $"v{_random.Next(3)}";
                case "integer":
                    return _random.Next(3);
                case "array" when schema.Text("x-kubernetes-list-type") == "set":
                    return new JsonArray([.. Some().Select(static i => (JsonNode)$"s{i}")]);
                case "array":
                    return new JsonArray([.. Some().Select(i =>
                    {
                        var item = Object((JsonObject)schema["items"]!);
                        item["key"] = $"k{i}";
                        return (JsonNode)item;
                    })]);
                default:
                    return schema["additionalProperties"] is JsonObject value
                        ? new JsonObject(Some().Select(i => KeyValuePair.Create($"m{i}", (JsonNode?)Value(value))))
                        : Object(schema);
            }
        }

        private IEnumerable<int> Some() => Enumerable.Range(0, 4).Where(_ => Chance(2)).OrderBy(_ => _random.Next()).ToList();

        private JsonObject ObjectSchema(int depth)
        {
            var properties = new JsonObject();
            for (var i = 0; i < 2 + _random.Next(4); i++) properties[$"p{i}"] = AnySchema(depth + 1);
            var schema = new JsonObject { ["type"] = "object", ["properties"] = properties };
            if (depth > 0 && Chance(5)) schema["x-kubernetes-map-type"] = "atomic";
            return schema;
        }

        private JsonObject AnySchema(int depth) => _random.Next(depth < DepthMax ? 7 : 2) switch
        {
            0 => new JsonObject { ["type"] = "string" },
            1 => new JsonObject { ["type"] = "integer" },
            2 => ObjectSchema(depth),
            3 => new JsonObject { ["type"] = "object", ["additionalProperties"] = AnySchema(depth + 1) },
            4 => new JsonObject { ["type"] = "array", ["x-kubernetes-list-type"] = "set", ["items"] = new JsonObject { ["type"] = "string" } },
            5 => ListSchema(depth, "atomic"),
            _ => ListSchema(depth, "map"),
        };

        private JsonObject ListSchema(int depth, string type)
        {
            var items = ObjectSchema(depth + 1);
            items.Remove("x-kubernetes-map-type");
            items["properties"]!["key"] = new JsonObject { ["type"] = "string" };
            items["required"] = new JsonArray("key");
            var schema = new JsonObject { ["type"] = "array", ["x-kubernetes-list-type"] = type, ["items"] = items };
            if (type == "map") schema["x-kubernetes-list-map-keys"] = new JsonArray("key");
            return schema;
        }
    }
}
